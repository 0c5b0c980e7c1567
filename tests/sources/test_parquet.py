import io

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.sources.parquet import Parquet
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, repairs_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)


TEXTS = st.none() | st.text(st.characters(blacklist_categories=["Cs"]), max_size=4)


def parquet(rows):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, row_group_size=2)
    return out.getvalue()


def ranked(on_error):
    return Parquet(prompt="q", responses="all[].text", scores="all[].score", on_error=on_error)


@FEW
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "q": TEXTS,
                "all": st.none()
                | st.lists(st.fixed_dictionaries({"text": TEXTS, "score": st.none() | st.floats()}), max_size=3),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_table_keeps_the_laws(tmp_path_factory, rows):
    schema = pa.schema(
        [("q", pa.string()), ("all", pa.list_(pa.struct([("text", pa.string()), ("score", pa.float64())])))]
    )
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), out, row_group_size=2)

    keeps_all_laws(ranked, out.getvalue(), tmp_path_factory.getbasetemp(), records_are_spans=False)


@FEW
@given(data=st.binary(max_size=40) | st.binary(max_size=20).map(lambda middle: b"PAR1" + middle + b"PAR1"))
def test_any_bytes_keep_the_laws(tmp_path_factory, data):
    keeps_all_laws(ranked, data, tmp_path_factory.getbasetemp(), records_are_spans=False)


def test_nested_columns_are_reached_and_numbers_of_ids_are_no_repair(tmp_path):
    rows = [
        {"id": n, "chat": [{"role": "user", "content": "q"}, {"role": "assistant", "content": f"a{n}"}]} for n in (1, 2)
    ]
    (tmp_path / "f.parquet").write_bytes(parquet(rows))

    batches = read_all(Parquet(messages="chat", group="id", response=None), tmp_path / "f.parquet")

    assert drafts_of(batches)["group"].to_list() == ["1", "2"]
    assert repairs_of(batches) == []
    assert batches[0].records["line"].to_list() == [1, 2]

# pyright: basic
"""What Python has no words for, as LLVM instructions for the compiled loops: 64 characters, or eight, at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from dataforge.text.shingles import BASE, MASK

# What is called has one argument fewer than what is written: the first is numba's own.
_instruction = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", intrinsic)

_BYTE, _LONG = ir.IntType(8), ir.IntType(64)
_BLOCK = ir.VectorType(_BYTE, 64)
_EIGHT = ir.VectorType(_LONG, 8)
# As many permutations as AVX2 has registers for; twice as many do no better with AVX-512.
LANES = 32
_INT = ir.IntType(32)
_GROUP = ir.VectorType(_INT, LANES)
_NOTHING, _FIRST = ir.Constant(_GROUP, ir.Undefined), ir.Constant(_INT, 0)
_EVERYWHERE = ir.Constant(_GROUP, [0] * LANES)
_WEIGHTS = [pow(BASE, 7 - place, MASK + 1) for place in range(8)]


@_instruction
def masks_of_block(typing, data, at):
    """Look at 64 bytes; a bit for each that is of an ASCII word or of no ASCII character, an apostrophe, no ASCII."""
    del typing

    def generate(context, builder, signature, arguments):
        block = builder.load(_pointer(context, builder, signature, arguments, _BLOCK), align=1)
        is_letter = _within(builder, builder.or_(block, _all(0x20)), ord("a"), 26)
        is_digit = _within(builder, block, ord("0"), 10)
        is_beyond = builder.icmp_signed("<", block, _all(0))
        is_word = builder.or_(builder.or_(is_letter, is_digit), builder.icmp_unsigned("==", block, _all(ord("_"))))
        is_word = builder.or_(is_word, is_beyond)
        is_apostrophe = builder.icmp_unsigned("==", block, _all(ord("'")))
        bits = [builder.bitcast(flags, _LONG) for flags in (is_word, is_apostrophe, is_beyond)]
        return context.make_tuple(builder, signature.return_type, bits)

    return types.UniTuple(types.uint64, 3)(data, at), generate


@_instruction
def eight_bytes(typing, data, at):
    """Load eight bytes from any place; the first is the lowest."""
    del typing

    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, signature, arguments, _LONG), align=1)

    return types.uint64(data, at), generate


@_instruction
def weigh_eight(typing, eight):
    """Sum eight bytes, the last one as it is and each before it times one more BASE."""
    del typing

    def generate(context, builder, signature, arguments):
        del context, signature
        values = builder.zext(builder.bitcast(arguments[0], ir.VectorType(_BYTE, 8)), _EIGHT)
        terms = builder.mul(values, ir.Constant(_EIGHT, _WEIGHTS))
        name = "llvm.vector.reduce.add.v8i64"
        total = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(_LONG, [_EIGHT]), name)
        return builder.call(total, [terms])

    return types.uint64(types.uint64), generate


@_instruction
def lowest_bit(typing, bits):
    """Give the place of the lowest bit that is set, 64 if none is."""
    del typing

    def generate(context, builder, signature, arguments):
        del context, signature
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@_instruction
def lower_minima(typing, hashes, count, factors, summands, minima, at):
    """Permute hashes in a group of ways and lower the minima of each, which stay in the processor's registers.

    `at` is the place of the group, LANES ways in each, in `factors`, `summands` and `minima`.
    """
    del typing

    def generate(context, builder, signature, arguments):
        def array(number):
            return context.make_array(signature.args[number])(context, builder, arguments[number]).data

        def group(number):
            return builder.bitcast(builder.gep(array(number), [arguments[5]]), _GROUP.as_pointer())

        factor, summand = builder.load(group(2), align=4), builder.load(group(3), align=4)
        lowest = cgutils.alloca_once_value(builder, builder.load(group(4), align=4))
        with cgutils.for_range(builder, arguments[1]) as loop:
            one = builder.insert_element(_NOTHING, builder.load(builder.gep(array(0), [loop.index])), _FIRST)
            permuted = builder.mul(builder.shuffle_vector(one, _NOTHING, _EVERYWHERE), factor)
            permuted = builder.add(permuted, summand)
            known = builder.load(lowest)
            builder.store(builder.select(builder.icmp_unsigned("<", permuted, known), permuted, known), lowest)
        builder.store(builder.load(lowest), group(4), align=4)
        return context.get_dummy_value()

    return types.void(hashes, types.intp, factors, summands, minima, types.intp), generate


def _all(value):
    return ir.Constant(_BLOCK, [value] * 64)


def _within(builder, block, first, count):
    return builder.icmp_unsigned("<", builder.sub(block, _all(first)), _all(count))


def _pointer(context, builder, signature, arguments, kind):
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), kind.as_pointer())

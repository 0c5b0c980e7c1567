"""Language models: made, loaded, shown chats, and asked how likely a response is. Torch lives here and in trainers."""

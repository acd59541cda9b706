"""Indexes 2,000 chunks with OpenAI's SDK in batches, as a repository's indexer does, and finds each again.

BASE_URL and API_KEY name the gateway, MODEL its embedding model.
"""

import math
import os

import openai

CHUNKS, BATCH = 2_000, 100

client = openai.OpenAI(base_url=os.environ["BASE_URL"] + "/v1", api_key=os.environ["API_KEY"])
model = os.environ["MODEL"]
chunks = [f"chunk {n} of file {n // 40}.rs: fn function_{n}() {{ {n * n} }}" for n in range(CHUNKS)]

index, tokens = [], 0
for start in range(0, CHUNKS, BATCH):
    reply = client.embeddings.create(model=model, input=chunks[start : start + BATCH])
    assert [item.index for item in reply.data] == list(range(BATCH)), "not in order"
    index += [item.embedding for item in reply.data]
    tokens += reply.usage.total_tokens
assert len(index) == CHUNKS and len({len(vector) for vector in index}) == 1
assert tokens >= CHUNKS, tokens


def similarity(one, other):
    dot = sum(a * b for a, b in zip(one, other))
    return dot / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


for n in (0, 99, 100, 1_234, 1_999):
    for encoding in ("float", "base64"):
        reply = client.embeddings.create(model=model, input=chunks[n], encoding_format=encoding)
        vector = reply.data[0].embedding
        if isinstance(vector, str):
            import array
            import base64

            vector = array.array("f", base64.b64decode(vector)).tolist()
        nearest = max(range(CHUNKS), key=lambda at: similarity(vector, index[at]))
        assert nearest == n, f"chunk {n} is found as {nearest}"
print(f"{CHUNKS} chunks of {len(index[0])} dimensions indexed with {tokens} tokens, and found again")

"""Tries a deployed gateway from outside: python3 .ci/smoke.py URL KEY [MODEL]. Some ten thousand tokens are billed, a few cents."""

import json
import sys
import time
import urllib.error
import urllib.request

CHAT = "/v1/chat/completions"


class Gateway:
    def __init__(self, url, key, model):
        self.url, self.key, self.model = url.rstrip("/"), key, model

    def open(self, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            return urllib.request.urlopen(request, timeout=120)
        except urllib.error.HTTPError as refusal:
            return refusal

    def json(self, path, body=None, key=None):
        with self.open(path, body, key) as response:
            return response.status, dict(response.headers), json.loads(response.read())

    def chat(self, **more):
        body = {"model": self.model, "max_tokens": 100, "messages": [{"role": "user", "content": "what llm are you"}]}
        return {**body, **more}

    def answer(self, **more):
        status, headers, reply = self.json(CHAT, self.chat(**more))
        assert status == 200, f"{status}: {reply}"
        return headers, reply


def model_list(gateway):
    status, _, reply = gateway.json("/v1/models")
    assert status == 200, f"{status}: {reply}"
    names = [model["id"] for model in reply["data"]]
    assert gateway.model in names, f"{gateway.model} is not among {names}"
    return f"{len(names)} models"


def bad_key(gateway):
    status, _, reply = gateway.json(CHAT, gateway.chat(), key="sk-wrong")
    assert status == 401, f"{status}: {reply}"
    return "401"


def chat(gateway):
    _, reply = gateway.answer()
    return repr(reply["choices"][0]["message"]["content"][:60])


def stream(gateway):
    """The pieces must come one by one, not all at the end."""
    started = time.monotonic()
    moments, lines = [], []
    question = [{"role": "user", "content": "Count from one to fifty in words, one a line."}]
    with gateway.open(CHAT, gateway.chat(stream=True, messages=question, max_tokens=400)) as response:
        assert response.status == 200, response.read()
        for line in response:
            if line.strip():
                moments.append(time.monotonic() - started)
                lines.append(line.strip())
    assert lines[-1] == b"data: [DONE]", lines[-1]
    assert moments[-1] - moments[0] > 0.05, f"all of it came within {moments[-1] - moments[0]:.3f} s: is it buffered?"
    return f"first byte after {moments[0]:.3f} s, {len(lines)} pieces until {moments[-1]:.3f} s"


def fallback(gateway):
    headers, reply = gateway.answer(mock_testing_fallbacks=True)
    trail = {name.lower(): value for name, value in headers.items()}.get("x-sidecar-trail", "")
    assert reply["model"] != gateway.model or "," in trail, f"no fallback: {trail}"
    return f"{reply['model']} answered: {trail}"


def record(gateway):
    """It is written after the last byte has gone out, and another environment may be quicker to look."""
    _, reply = gateway.answer()
    for _ in range(10):
        status, _, rows = gateway.json(f"/spend/logs?request_id={reply['id']}")
        if rows:
            break
        time.sleep(0.5)
    assert status == 200 and len(rows) == 1, f"{status}: {rows}"
    return f"{rows[0].get('total_tokens')} tokens, {rows[0].get('spend')} US dollars"


def cached_tool_result(gateway):
    """Two turns of an agent: the second must read what the first one, with a tool's result at its end, has cached."""
    tool = {"type": "function", "function": {"name": "read", "description": "Reads a file.", "parameters": {
        "type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}}
    call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"path": "notes.txt"}'}}
    text = f"{time.time()}: " + "The quick brown fox jumps over the lazy dog. " * 450
    messages = [
        {"role": "user", "content": "Read notes.txt and say in three words what it is about."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": text, "cache_control": {"type": "ephemeral"}},
    ]
    _, first = gateway.answer(messages=messages, tools=[tool])
    messages += [first["choices"][0]["message"], {"role": "user", "content": "And in one word?"}]
    _, second = gateway.answer(messages=messages, tools=[tool])
    cached = (second["usage"].get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    assert cached > 0, f"nothing was read from the cache: {second['usage']}"
    return f"{cached} of {second['usage']['prompt_tokens']} tokens came from the cache"


def main():
    if len(sys.argv) < 3 or not all(sys.argv[1:3]):
        sys.exit("make smoke URL=https://….lambda-url.….on.aws KEY=sk-…")
    gateway = Gateway(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "claude-sonnet-5-5")
    failed = 0
    for check in (model_list, bad_key, chat, stream, fallback, record, cached_tool_result):
        name = check.__name__.replace("_", " ")
        try:
            print(f"ok     {name}: {check(gateway)}", flush=True)
        except Exception as problem:  # the next check may still tell something
            failed += 1
            print(f"FAILED {name}: {type(problem).__name__}: {problem}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

"""Anthropic's SDK for Python: its helpers, against BASE_URL with API_KEY."""

import base64
import json
import os
import pathlib
import sys
import tempfile
import urllib.request

import anthropic
from anthropic.tools.memory import BetaLocalFilesystemMemoryTool
from pydantic import BaseModel

MODEL = "claude-sonnet-4-5"
BY_CONVERSE = "by-converse"
NEWER = "claude-opus-4-8"
PDF = base64.b64encode(b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF").decode()

client = anthropic.Anthropic(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"], max_retries=0)


def user(content):
    return [{"role": "user", "content": content}]


def kinds(message):
    return [block.type for block in message.content]


def stream_helper():
    with client.messages.stream(model=MODEL, max_tokens=300, messages=user("hello")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == message.content[0].text and message.usage.input_tokens > 0, message


def thinking():
    wish = {"type": "enabled", "budget_tokens": 1024}
    with client.messages.stream(model=MODEL, max_tokens=3000, thinking=wish, messages=user("hello")) as stream:
        message = stream.get_final_message()
    assert kinds(message) == ["thinking", "text"] and message.content[0].signature, message


def tool_runner():
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Get the weather.

        Args:
            city: the city
        """
        return "sunny"

    runner = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=500, tools=[get_weather], max_iterations=3, messages=user("use get_weather once")
    )
    assert [message.stop_reason for message in runner] == ["tool_use", "end_turn"]


def structured_output():
    class Person(BaseModel):
        name: str
        age: int

    message = client.messages.parse(model=MODEL, max_tokens=500, messages=user("make one"), output_format=Person)
    assert isinstance(message.parsed_output, Person), message


def citations():
    pdf = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    text = {"type": "text", "media_type": "text/plain", "data": "The grass is green."}
    for source in (pdf, text):
        document = {"type": "document", "source": source, "citations": {"enabled": True}, "title": "a"}
        content = [document, {"type": "text", "text": "what color?"}]
        with client.messages.stream(model=MODEL, max_tokens=300, messages=user(content)) as stream:
            assert kinds(stream.get_final_message()) == ["text"]
    found = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "green"}]}
    content = [found, {"type": "text", "text": "what color?"}]
    assert kinds(client.messages.create(model=MODEL, max_tokens=300, messages=user(content))) == ["text"]


def compaction():
    edit = {"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 50_000}}
    options = {
        "model": NEWER, "max_tokens": 300, "betas": ["compact-2026-01-12"], "context_management": {"edits": [edit]},
    }
    asked = user("word " * 220_000)
    with client.beta.messages.stream(messages=asked, **options) as stream:
        message = stream.get_final_message()
    assert kinds(message)[0] == "compaction" and message.usage.iterations, message
    said = {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]}
    client.beta.messages.create(messages=[*asked, said, *user("go on")], **options)


def tool_search():
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    schema = {"type": "object", "properties": {}}
    tools = [
        {"name": f"tool_{n}", "description": "reads", "input_schema": schema, "defer_loading": True} for n in range(30)
    ]
    with client.beta.messages.stream(
        model=MODEL, max_tokens=600, betas=["advanced-tool-use-2025-11-20"], tools=[search, *tools],
        messages=user("find tool_7 and use it"),
    ) as stream:
        message = stream.get_final_message()
    assert kinds(message) == ["server_tool_use", "tool_search_tool_result", "tool_use"], message


def bedrock(method, path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(os.environ["BEDROCK"] + path, method=method, data=data)
    with urllib.request.urlopen(request) as reply:
        return json.loads(reply.read() or b"null")


def memory():
    """What one conversation notes in a file of the SDK's, the next one reads."""
    task = "Create a file named /memories/notes.txt. Its entire content must be the single line MEMORY-5127."
    view = {"tool_use": {"name": "memory", "input": json.dumps({"command": "view", "path": "/memories/notes.txt"})}}
    for model in (MODEL, BY_CONVERSE):
        folder = tempfile.mkdtemp()
        tool = BetaLocalFilesystemMemoryTool(folder)

        def run(asked):
            return list(
                client.beta.messages.tool_runner(
                    model=model, max_tokens=600, tools=[tool], max_iterations=4, messages=user(asked)
                )
            )

        said = run(task)
        assert [message.stop_reason for message in said] == ["tool_use", "end_turn"], said
        assert said[0].content[-1].input["command"] == "create", said
        assert pathlib.Path(folder, "memories", "notes.txt").read_text().strip() == "MEMORY-5127"
        bedrock("POST", "/_simulated/script", {"steps": [{"outcome": {"reply": {"blocks": [view]}}}]})
        said = run("what do you know?")
        assert [message.stop_reason for message in said] == ["tool_use", "end_turn"], said
        seen = bedrock("GET", "/_simulated/requests")["requests"][-1]
        assert seen["status"] == 200 and "MEMORY-5127" in json.dumps(seen["body"]), seen


def web_search():
    tool = {"type": "web_search_20250305", "name": "web_search"}
    choice = {"type": "tool", "name": "web_search"}
    asked = user("Perform a web search for the query: rust")
    with client.messages.stream(
        model=MODEL, max_tokens=300, tools=[tool], tool_choice=choice, messages=asked
    ) as stream:
        message = stream.get_final_message()
    assert kinds(message) == ["server_tool_use", "web_search_tool_result", "text"], message


def count_tokens():
    assert client.messages.count_tokens(model=MODEL, messages=user("hello")).input_tokens > 0


def unknown_model():
    try:
        client.messages.create(model="nope", max_tokens=3, messages=user("x"))
    except anthropic.NotFoundError:
        return
    raise AssertionError("no error")


def main():
    failed = 0
    for case in (
        stream_helper, thinking, tool_runner, structured_output, citations, compaction, tool_search, memory, web_search,
        count_tokens, unknown_model,
    ):
        try:
            case()
            print("ok   python", case.__name__)
        except Exception as error:  # Whatever it is, the other cases are tried too.
            failed += 1
            print("FAIL python", case.__name__, type(error).__name__, str(error)[:300])
    sys.exit(failed > 0)


main()

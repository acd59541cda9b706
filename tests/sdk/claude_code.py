"""Claude Code (CLAUDE) in its modes against a gateway at BASE_URL, whose simulated Bedrock is at BEDROCK.

Each session is to write a file with a tool and to end with a word, or to search the web; no request of it may be refused by
Bedrock. Prints the size of each session's first call: what tool search saves.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

FILE, CONTENT, DONE = "hello_gateway.txt", "GATEWAY-OK-7391", "TASK-DONE-7391"
TASK = (
    f"Create a file named {FILE} in the current directory. Its entire content must be the single line {CONTENT}. Use your "
    f"file writing tool (do not just print it). When the file exists, finish with a final message that contains exactly {DONE}."
)
TOOLS = pathlib.Path(__file__).with_name("sixty_tools.py")


def bedrock(method, path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(os.environ["BEDROCK"] + path, method=method, data=data)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as reply:
        return json.loads(reply.read() or b"null")


SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
# What a search of the web brings to the model: a link, and an extract.
FOUND = ("https://blog.rust-lang.org/2026", "EXTRACT-OF-THE-WEB-8264")


def session(name, model, variables=(), arguments=(), home=None, asks=TASK, first=None, ends=DONE, writes=CONTENT, says=()):
    """One session: what the user asks; the tool call that Sonnet begins with, if not the simulated Bedrock's own choice; and what
    must come of it: the last words, the file, and what Bedrock must have been sent."""
    home = pathlib.Path(home or tempfile.mkdtemp())
    project = home / "project"
    project.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "."], cwd=project, check=True)
    bedrock("DELETE", "/_simulated/requests")
    if first:
        tool, fields = first
        reply = {"blocks": [{"tool_use": {"name": tool, "input": json.dumps(fields)}}]}
        bedrock("POST", "/_simulated/script", {"model": SONNET, "steps": [{"outcome": {"reply": reply}}]})
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "CI": "1", "IS_SANDBOX": "1", "NO_PROXY": "*",
        "ANTHROPIC_BASE_URL": os.environ["BASE_URL"], "ANTHROPIC_AUTH_TOKEN": os.environ["API_KEY"],
        "ANTHROPIC_MODEL": model, "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-4-5",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1",
        **dict(variables),
    }
    command = [
        os.environ["CLAUDE"], "-p", "--output-format", "json", "--model", model, "--permission-mode", "acceptEdits",
        "--allowedTools", "Write", "Bash", "Edit", "Read", "WebSearch", *arguments, "--", asks,
    ]
    ended = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=180)
    seen = bedrock("GET", "/_simulated/requests")["requests"]
    written = (project / FILE).read_text().strip() if (project / FILE).exists() else None
    wrong = [f"{call['status']} {call['refusal']}" for call in seen if call["status"] != 200]
    if written != writes:
        wrong.append(f"the file says {written!r}")
    if ended.returncode or ends not in ended.stdout:
        wrong.append(f"it ended with {ended.returncode}: {ended.stdout[-300:]} {ended.stderr[-300:]}")
    sent = json.dumps([call["body"].get("messages") for call in seen])
    wrong.extend(f"Bedrock was not sent {words}" for words in says if words not in sent)
    first_call = next((call["body"] for call in seen if call["body"].get("tools")), {})
    size = len(json.dumps(first_call)) // 4
    calls = collections.Counter(call["operation"] for call in seen)
    print("FAIL" if wrong else "ok  ", name, dict(calls), f"first call about {size} tokens", *wrong[:3])
    return not wrong


def main():
    mcp = json.dumps({"mcpServers": {"sixty": {"command": sys.executable, "args": [str(TOOLS)]}}})
    servers = ["--mcp-config", mcp]
    sessions = [
        ("default", "claude-sonnet-4-5"),
        ("60 tools", "claude-sonnet-4-5", [("ENABLE_TOOL_SEARCH", "false")], servers),
        ("60 tools, searched", "claude-sonnet-4-5", [("ENABLE_TOOL_SEARCH", "true")], servers),
        ("adaptive thinking", "claude-opus-4-8"),
        ("bound thinking", "claude-opus-5-5"),
        ("a million tokens", "claude-opus-4-8[1m]"),
        ("an hour of cache", "claude-opus-4-8", [("ENABLE_PROMPT_CACHING_1H", "1")]),
    ]
    results = [session(*each) for each in sessions]
    search = ("WebSearch", {"query": "rust 2026 edition"})
    results.append(session(
        "a search of the web", "claude-sonnet-4-5", asks="What is in the 2026 edition of Rust?", first=search, ends=FOUND[0],
        writes=None, says=FOUND,
    ))
    sys.exit(not all(results))


main()

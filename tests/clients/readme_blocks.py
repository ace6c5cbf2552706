"""Runs the code blocks of the guide and deploy/EMULATOR.md against a running emulator: readme_blocks.py BINARY ROOT CLIENTS

Every block of the sections about the emulator runs as it stands, but for the port: `sh` blocks set the environment of those that
follow, a `console` block's commands print what is shown below them, `python` and `js` blocks print what a comment `# prints X` or
`// prints X` at the end of a line says. `livebench emulate` itself is what they run against. The blocks of Rust are compiled by
tests/it/readme.rs and tests/it/emulator_docs.rs, word for word.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from emulators import check, emulator, run_checks

BINARY, ROOT, CLIENTS = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
sys.argv[2:] = []
ADDRESS = "127.0.0.1:4566"
PROGRAMS = {"python": [CLIENTS / "boto3/venv/bin/python"], "js": ["node", "--no-warnings"]}


def blocks(page, wanted):
    """(language, text) of every fenced block of the page below the heading; all of them without one."""
    found, heading, language, lines = [], "", None, []
    for line in page.read_text(encoding="utf-8").splitlines():
        if language is None and line.startswith("```"):
            language, lines = line[3:], []
        elif line == "```":
            if wanted in (None, heading):
                found.append((language, "\n".join(lines) + "\n"))
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("## "):
            heading = line[3:]
    return found


class Reader:
    """Runs blocks one after the other, as somebody would who reads the page."""

    def __init__(self, endpoint, folder):
        self.address, self.folder = endpoint.removeprefix("http://"), pathlib.Path(folder)
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "livebench").symlink_to(BINARY)
        (tools / "aws").symlink_to(CLIENTS / "cli/venv/bin/aws")
        self.environment = {**os.environ, "HOME": folder, "PATH": f"{tools}:{os.environ['PATH']}", "NO_COLOR": "1"}
        self.count = 0
        # The modules are looked for beside the file that uses them.
        (self.folder / "node_modules").symlink_to(CLIENTS / "js/node_modules")

    def run(self, command):
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def block(self, language, text):
        text = text.replace(ADDRESS, self.address)
        self.count += 1
        if language == "sh":
            lines = self.run(["bash", "-c", f"{text}\nenv -0"]).split("\0")
            self.environment.update(line.split("=", 1) for line in lines if "=" in line)
        elif language == "console":
            self.console(text)
        elif language in PROGRAMS:
            file = self.folder / f"block-{self.count}.{'mjs' if language == 'js' else 'py'}"
            file.write_text(text, encoding="utf-8")
            shown = "\n".join(re.findall(r"(?:#|//) prints (.*)$", text, re.MULTILINE))
            printed = self.run([*PROGRAMS[language], file])
            assert shown.rstrip() == printed.rstrip(), (text, printed)
        else:
            assert language in ("rust", "rust,ignore", "toml"), f"nobody runs {language}"

    def console(self, text):
        for part in text.split("$ ")[1:]:
            command, _, shown = part.partition("\n")
            if command.startswith("livebench emulate"):
                continue
            # Commands that were broken over lines end as a shell's do.
            while command.endswith("\\"):
                more, _, shown = shown.partition("\n")
                command = f"{command}\n{more}"
            printed = self.run(["bash", "-c", command])
            assert shown.rstrip() == printed.rstrip(), (command, printed)


def read(page, headings, wanted=("sh", "console", "python", "js", "rust")):
    """Each section is read with a fresh emulator: whoever reads one has not read those before."""
    settings = settings_of(page)
    languages = set()
    for heading in headings:
        with emulator(settings) as server, tempfile.TemporaryDirectory() as folder:
            reader = Reader(server.endpoint, folder)
            for language, text in blocks(page, heading):
                reader.block(language, text)
                languages.add(language.split(",")[0])
    missing = set(wanted) - languages
    assert not missing, f"{page.name} shows no {missing}"


def settings_of(page):
    """The emulator's settings that the page shows, if it does."""
    shown = [text for language, text in blocks(page, None) if language == "toml" and text.startswith("[emulator]")]
    return shown[0].removeprefix("[emulator]\n") if shown else ""


@check
def the_guide_is_true():
    read(ROOT / "src/guide/emulator.md", (None,))
    read(ROOT / "src/guide/call.md", (None,), ("console",))


@check
def the_emulators_page_is_true():
    read(ROOT / "deploy/EMULATOR.md", ("From any client",))


if __name__ == "__main__":
    sys.exit(run_checks("blocks of the guide and deploy/EMULATOR.md"))

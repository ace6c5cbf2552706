"""The real AWS CLI, loaded once: every call is a process of its own, forked from one that has imported it already.

What a call prints and its exit code are those of `aws`; only the half second of importing it is saved.
"""

import os
import sys
import tempfile
import traceback

BEFORE = dict(os.environ)

import awscli.clidriver  # sets variables that it needs
import awscli.handlers  # what every call imports

VERSION = awscli.__version__
OF_ITS_OWN = {name: value for name, value in os.environ.items() if BEFORE.get(name) != value}


def aws(arguments, environment, prepare=None):
    """Exit code, stdout and stderr of `aws ARGUMENTS`, with exactly this environment. `prepare` is called in its process first."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull, "rb") as nothing:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                for file, stream in ((nothing, 0), (out, 1), (err, 2)):
                    os.dup2(file.fileno(), stream)
                os.environ.clear()
                os.environ.update({**OF_ITS_OWN, **environment})
                sys.argv = ["aws", *arguments]
                for stream in (sys.stdout, sys.stderr):
                    stream.reconfigure(encoding="utf-8", errors="strict" if stream is sys.stdout else "backslashreplace")
                if prepare:
                    prepare()
                code = awscli.clidriver.main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            except BaseException:
                traceback.print_exc()
            finally:
                for stream in (sys.stdout, sys.stderr):
                    stream.flush()
                os._exit(code or 0)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return os.waitstatus_to_exitcode(status), *texts

"""Run the test_* functions of one file on MicroPython: `micropython runner.py FILE`.

One line a test on standard output, `PASS name` or `FAIL name` with the traceback after it.
Exit code 1 where one failed.
"""

import gc
import sys


def main(path):
    folder, _, name = path.rpartition("/")
    sys.path[0] = folder  # in place of the kit itself, whose names are not for import by themselves
    module = __import__(name[:-3])
    failed = 0
    for name in dir(module):
        if not name.startswith("test_"):
            continue
        gc.collect()
        try:
            getattr(module, name)()
            print("PASS", name)
        except BaseException as exc:
            failed += 1
            print("FAIL", name)
            sys.print_exception(exc)
    sys.exit(1 if failed else 0)


main(sys.argv[1])

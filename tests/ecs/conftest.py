import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent))  # behind tests/, whose conftest is meant by "conftest"

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from commbench.plan.toml_lines import TomlLines

TEXT = '''\
top = 1 # [not] a = table
[a.b]
"quoted key" = "x # ] = \\" y"
'lit' = 'c:\\'
multi = """
 [z]
 k = 1 \\""" """
dotted.key = { x = 1, y = [
  1.5,
  2
] }
[[many]]
v = 1979-05-27 07:32:00
[[many]]
v = [[1,
 2], [], [3]]
'''


def test_every_kind_of_key_and_element_has_its_line() -> None:
    tomllib.loads(TEXT)
    lines = TomlLines(TEXT)
    expected = {
        ("top",): 1,
        ("a",): 2,
        ("a", "b"): 2,
        ("a", "b", "quoted key"): 3,
        ("a", "b", "lit"): 4,
        ("a", "b", "multi"): 5,
        ("a", "b", "dotted", "key"): 8,
        ("a", "b", "dotted", "key", "x"): 8,
        ("a", "b", "dotted", "key", "y", 0): 9,
        ("a", "b", "dotted", "key", "y", 1): 10,
        ("many", 0, "v"): 13,
        ("many", 1, "v"): 15,
        ("many", 1, "v", 0, 1): 16,
        ("many", 1, "v", 2, 0): 16,
    }
    assert {location: lines.find(location) for location in expected} == expected


def test_what_is_absent_is_found_at_what_is_around_it() -> None:
    lines = TomlLines("\n[sweep]\nsizes = [1,\n2]\n")
    assert lines.find(("sweep", "ranks")) == 2
    assert lines.find(("sweep", "sizes", 9)) == 3
    assert lines.find(("nothing",)) == 1
    assert lines.find(()) == 1


words = st.text("ab]#,=\"' \n\\", max_size=5)


@given(st.lists(words, min_size=1), st.lists(st.integers(0, 3), min_size=1))
def test_an_element_is_on_the_line_it_was_written_on(values: list[str], gaps: list[int]) -> None:
    text, written = "a = [ # [", []
    for index, value in enumerate(values):
        text += "\n" * (gaps[index % len(gaps)] + 1)
        written.append(text.count("\n") + 1)
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        text += f'"{escaped}", # "'
    text += "\n]\n"
    assert tomllib.loads(text)["a"] == values
    lines = TomlLines(text)
    assert [lines.find(("a", index)) for index in range(len(values))] == written

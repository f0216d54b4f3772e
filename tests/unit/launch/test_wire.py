from hypothesis import given
from hypothesis import strategies as st

from commbench.launch.wire import MARK, Ended, Hello, Message, Order, Report, from_line, messages_in, to_line

NUMBERS = st.integers(0, 10_000)
TEXTS = st.text(max_size=20)
MESSAGES = st.one_of(
    st.builds(Hello, NUMBERS, TEXTS, TEXTS, NUMBERS),
    st.builds(
        Order,
        *(TEXTS, NUMBERS, NUMBERS, TEXTS, NUMBERS),
        st.lists(TEXTS, max_size=3).map(tuple),
        st.dictionaries(TEXTS, TEXTS, max_size=3),
    ),
    st.builds(
        Report,
        *(NUMBERS, TEXTS),
        st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, TEXTS), max_size=3).map(tuple),
        st.lists(TEXTS, max_size=3).map(tuple),
        st.booleans(),
    ),
    st.builds(Ended, NUMBERS, st.integers(-64, 255)),
)


@given(MESSAGES)
def test_what_was_said_is_what_is_heard(message: Message) -> None:
    line = to_line(message)
    assert from_line(line) == message
    assert "\n" not in line


@given(st.lists(MESSAGES, max_size=4), st.sampled_from(["", "[rank0]: ok\n", "1: srun: warning\n", MARK + "{torn\n"]))
def test_messages_are_told_from_what_ranks_print_also_behind_the_labels_of_a_launcher(
    messages: list[Message], noise: str
) -> None:
    text = "".join(f"{noise}0: {MARK}{to_line(message)}\n" for message in messages)
    assert list(messages_in(text + noise)) == messages

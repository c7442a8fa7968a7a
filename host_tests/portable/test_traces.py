"""Runs in which the contract was once broken, kept for ever. Each names what was wrong."""

from kit.contract import replay


def test_flush_after_close_with_items_left_over_raised_instead_of_answering():
    replay(
        [7, 5, "drop_newest", True, 1073741123],
        [["step", 5], ["add", 7], ["close", 0], ["step", 4], ["flush", 50], ["step", 3]],
    )


def test_a_flush_that_failed_asked_again_at_once_and_for_ever():
    replay(
        [4, 2, "drop_oldest", False, 0],
        [["become", "raise"], ["add", 2], ["flush", None], ["step", 9], ["advance", 3000]],
    )


def test_puts_are_in_the_order_in_which_there_was_room_for_them():
    replay(
        [9, 9, "drop_oldest", False, 0],
        [
            ["become", "slow", 2700],
            ["add", 9],
            ["put"],
            ["become", "raise"],
            ["advance", 1],
            ["many", 5],
            ["flush", 5000],
            ["become", "ok"],
            ["advance", 60000],
        ],
    )

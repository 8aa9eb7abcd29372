# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call that is ended by a signal comes to its end in order."""

from __future__ import annotations

import contextlib
import signal
import threading
import typing as t

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class EndedBySignal(BaseException):
    """Raised in the main thread by the first signal; no handler of failures may stop it.

    :param number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.name = signal.Signals(number).name


@contextlib.contextmanager
def ended_in_order() -> t.Iterator[None]:
    """Turn the first SIGTERM, SIGHUP or SIGINT into :class:`EndedBySignal`, and pass over further ones while clean-ups run.

    A signal that is ignored already, as SIGHUP below nohup, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ended = False

    def end(number: int, _frame: t.Any) -> None:
        nonlocal ended
        if not ended:
            ended = True
            raise EndedBySignal(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

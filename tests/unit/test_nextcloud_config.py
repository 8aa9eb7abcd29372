# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module nextcloud_config: what counts as equal, what is written in how many starts, and what is shown."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.opnc.integration.plugins.module_utils._nextcloud.values import (
    ABSENT,
    HIDDEN,
    app_same,
    app_text,
    merge,
    normal,
    same,
)

IMPORTED = "Config successfully imported from: \n"
SYSTEM = "config:list system --output=json"
ALL = "config:list --output=json"
CONFLICT = "\nIn AppConfig.php line 823:\n{blank}\n  conflict between new type (mixed) and old type (string)  \n{blank}\n\nconfig:import [<file>]\n\n"


@pytest.fixture
def run(run_module: t.Any, fake_occ: t.Any) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module over the stand-in of occ."""

    def run_with(check_mode: bool = False, **args: t.Any) -> dict[str, t.Any]:
        arguments = {"occ_command": [fake_occ.path], **args}
        result: dict[str, t.Any] = run_module("nextcloud_config", arguments, check_mode=check_mode)
        return result

    return run_with


def imported(fake_occ: t.Any) -> t.Any:
    """What the last import was given."""
    starts = [start for start in fake_occ.starts if start["argv"][3] == "config:import"]
    return json.loads(starts[-1]["stdin"])


# --- what counts as equal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (True, True, True),
        (True, 1, False),
        (True, "true", False),
        (1, "1", False),
        (1, 1.0, True),
        ("a", "a", True),
        (None, None, True),
        ([], {}, True),
        (["a", "b"], {"0": "a", "1": "b"}, True),
        (["a", "b"], {0: "a", 1: "b"}, True),
        (["a", "b"], ["b", "a"], False),
        ({"a": {"b": [True]}}, {"a": {"b": [True]}}, True),
        ({"a": {"b": [True]}}, {"a": {"b": [1]}}, False),
        ({"1": "a"}, ["a"], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
    ],
)
def test_system_values_are_equal_in_value_and_type(one: t.Any, other: t.Any, equal: bool) -> None:
    assert same(one, other) is equal


@pytest.mark.parametrize(
    ("actual", "desired", "merged"),
    [
        (ABSENT, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}),
        (["a", "b"], {1: "c"}, {"0": "a", "1": "c"}),
        (["a", "b"], ["c"], ["c"]),
        ({"a": 1}, None, ABSENT),
        (ABSENT, {"a": None}, ABSENT),
        (ABSENT, {"a": {"b": None}}, ABSENT),
        ("scalar", {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, "scalar", "scalar"),
    ],
)
def test_maps_are_merged_and_everything_else_is_replaced(actual: t.Any, desired: t.Any, merged: t.Any) -> None:
    assert merge(actual, desired) == merged


def test_php_stores_a_counted_map_as_a_list() -> None:
    assert normal({0: "a", 1: {"x": {}}}) == ["a", {"x": []}]


@pytest.mark.parametrize(
    ("desired", "actual", "equal"),
    [
        (True, "1", True),
        (True, "yes", True),
        (True, "true", True),
        (True, True, True),
        (True, "2", False),
        (False, "", True),
        (False, "no", True),
        (False, "0", True),
        (False, False, True),
        (False, "1", False),
        ("yes", True, True),
        ("yes", "1", False),
        (True, ABSENT, False),
        (None, ABSENT, True),
        (None, "", False),
        ("", "", True),
        ("", ABSENT, False),
        (12, "12", True),
        ("12", 12, True),
        (12, "13", False),
        (1.5, 1.5, True),
        (1, 1.0, True),
        ("1.0", "1", False),
        ("cron", "cron", True),
        ("Cron", "cron", False),
        ({"a": [1]}, '{"a": [1]}', True),
        ({"a": [1]}, {"a": [1]}, True),
        ('{"a": [1]}', {"a": [1]}, True),
        (["a"], '["b"]', False),
        (["a"], "no JSON", False),
    ],
)
def test_app_values_are_equal_by_meaning(desired: t.Any, actual: t.Any, equal: bool) -> None:
    assert app_same(desired, actual) is equal


@pytest.mark.parametrize(
    ("value", "actual", "text"),
    [
        (True, ABSENT, "1"),
        (False, ABSENT, "0"),
        (True, "no", "yes"),
        (False, "true", "false"),
        (False, "on", "off"),
        (True, "odd", "1"),
        (True, False, "1"),
        (12, "x", "12"),
        ({"ü": ["a", 1]}, ABSENT, '{"ü":["a",1]}'),
        ("text", 1, "text"),
    ],
)
def test_an_app_boolean_takes_the_words_that_the_app_uses(value: t.Any, actual: t.Any, text: str) -> None:
    assert app_text(value, actual) == text


# --- what is written --------------------------------------------------------------------------------------------------


def test_nothing_to_change_costs_one_start(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(
        ALL, {"system": {"allow_local_remote_servers": True, "other": 1}, "apps": {"core": {"mode": "cron", "x": "1"}}}
    )
    result = run(system={"allow_local_remote_servers": True, "gone": None}, apps={"core": {"mode": "cron", "x": True}})
    assert result["changed"] is False
    assert result["actions"] == []
    assert result["config"] == {
        "system": {"allow_local_remote_servers": True},
        "apps": {"core": {"mode": "cron", "x": "1"}},
    }
    assert result["diff"]["before"] == result["diff"]["after"]
    assert fake_occ.commands == [ALL]


@pytest.mark.parametrize(
    ("args", "scope"),
    [
        ({"system": {"a": 1}}, SYSTEM),
        ({"apps": {"core": {"a": 1}}}, "config:list core --output=json"),
        ({"apps": {"core": {"a": 1}, "files": {"a": 1}}}, ALL),
        ({"system": {"a": 1}, "apps": {"core": {"a": 1}}}, ALL),
    ],
)
def test_only_what_is_asked_for_is_read(run: t.Any, fake_occ: t.Any, args: dict[str, t.Any], scope: str) -> None:
    fake_occ.answer(scope, {"system": [], "apps": []})
    fake_occ.answer("config:import", IMPORTED)
    assert run(**args)["changed"] is True
    assert fake_occ.commands == [scope, "config:import"]


def test_all_that_differs_is_written_in_one_start(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(
        ALL,
        {
            "system": {"same": "x", "redis": {"host": "old", "port": 6379}, "trusted_domains": ["a", "b"], "gone": 1},
            "apps": {"core": {"same": "yes", "flag": "no", "gone": "1"}},
        },
    )
    fake_occ.answer("config:import", IMPORTED)
    args = {
        "system": {"same": "x", "redis": {"host": "new"}, "trusted_domains": {1: "c"}, "gone": None, "float": 1.5},
        "apps": {"core": {"same": True, "flag": True, "gone": None}, "new": {"list": ["ü"], "number": 12}},
    }
    check = run(**args, check_mode=True)
    assert fake_occ.commands == [ALL]
    result = run(**args)
    assert (result["changed"], result["actions"], result["diff"]) == (True, check["actions"], check["diff"])
    assert imported(fake_occ) == {
        "system": {"redis": {"host": "new", "port": 6379}, "trusted_domains": ["a", "c"], "gone": None, "float": 1.5},
        "apps": {"core": {"flag": "yes", "gone": None}, "new": {"list": '["ü"]', "number": "12"}},
    }
    assert fake_occ.starts[-1]["stdin"].isascii()
    assert result["actions"][:2] == ["set the system value redis", "set the system value trusted_domains"]
    assert "remove the value gone of the app core" in result["actions"]
    assert result["diff"]["before"]["system"]["redis"] == {"host": "old", "port": 6379}
    assert result["diff"]["after"]["system"]["redis"] == {"host": "new", "port": 6379}
    assert result["diff"]["after"]["apps"] == {
        "core": {"same": "yes", "flag": "yes"},
        "new": {"list": '["ü"]', "number": "12"},
    }
    assert "gone" not in result["config"]["system"]


def test_a_value_of_another_type_is_put_right(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(SYSTEM, {"system": {"allow_local_remote_servers": "1"}})
    fake_occ.answer("config:import", IMPORTED)
    assert run(system={"allow_local_remote_servers": True})["changed"] is True
    assert imported(fake_occ) == {"system": {"allow_local_remote_servers": True}}


def test_a_typed_app_value_is_set_alone_and_keeps_its_type(run: t.Any, fake_occ: t.Any) -> None:
    """config:import fails on it; no type is ever asked for (NC §2)."""
    fake_occ.answer(
        "config:list x --output=json",
        {"apps": {"x": {"int": 5, "bool": True, "array": {"a": 1}, "text": "a", "gone": 1}}},
    )
    fake_occ.answer("*", "Config value …\n")
    desired = {"int": 7, "bool": False, "array": {"a": 2}, "text": "b", "gone": None}
    result = run(apps={"x": desired})
    assert result["config"]["apps"]["x"] == {"int": 7, "bool": False, "array": {"a": 2}, "text": "b"}
    assert imported(fake_occ) == {"apps": {"x": {"text": "b", "gone": None}}}
    assert fake_occ.commands[2:] == [
        "config:app:set x int --value=7",
        "config:app:set x bool --value=0",
        "config:app:set x array '--value={\"a\":2}'",
    ]
    assert not any("--type" in command for command in fake_occ.commands)


def test_a_text_with_a_type_is_found_out_by_the_refusal(run: t.Any, fake_occ: t.Any) -> None:
    """Tried on Nextcloud 29: the import stops there, and what came before it is written."""
    scope = "config:list x --output=json"
    fake_occ.answer(scope, {"apps": {"x": {"a": "1", "typed": "old", "z": "1"}}})
    fake_occ.answer(scope, {"apps": {"x": {"a": "2", "typed": "old", "z": "1"}}})
    fake_occ.answer("config:import", stderr=CONFLICT.format(blank=" " * 59), rc=1)
    fake_occ.answer("config:import", IMPORTED)
    fake_occ.answer("*", "Config value …\n")
    desired = {"apps": {"x": {"a": "2", "typed": "new", "z": "2"}}, "secret_apps": {"x": {"s": "new-secret-1"}}}
    result = run(**desired)
    assert result["changed"] is True
    assert fake_occ.commands == [scope, "config:import", scope, "config:app:set x typed --value=new", "config:import"]
    assert imported(fake_occ) == {"apps": {"x": {"z": "2", "s": "new-secret-1"}}}


@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "real"])
def test_o37_a_read_only_configuration_is_refused_before_the_first_write(
    run: t.Any, fake_occ: t.Any, check_mode: bool
) -> None:
    fake_occ.answer(SYSTEM, {"system": {"config_is_read_only": True}})
    result = run(check_mode=check_mode, system={"a": 1})
    assert result["failed"]
    assert "config_is_read_only to false" in result["msg"]
    assert fake_occ.commands == [SYSTEM]


@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "real"])
def test_a_secret_with_a_type_is_refused_before_the_first_write(run: t.Any, fake_occ: t.Any, check_mode: bool) -> None:
    scope = "config:list x --output=json"
    fake_occ.answer(scope, {"apps": {"x": {"a": "1", "s": 5}}})
    desired = {"apps": {"x": {"a": "2"}}, "secret_apps": {"x": {"s": "secret-number-6"}}}
    result = run(check_mode=check_mode, **desired)
    assert result["failed"]
    assert "is a secret that Nextcloud stores with a type" in result["msg"]
    assert fake_occ.commands == [scope]


def test_a_read_only_configuration_says_so(run: t.Any, fake_occ: t.Any) -> None:
    words = '  Config is set to be read-only via option "config_is_read_only".  '
    blank = " " * len(words)
    fake_occ.answer(SYSTEM, {"system": []})
    fake_occ.answer("config:import", stderr=f"\nIn Config.php line 326:\n{blank}\n{words}\n{blank}\n\n", rc=1)
    result = run(system={"a": 1})
    assert result["error"] == {"type": "CommandError", "rc": 1, "cause": "read_only"}
    assert words.strip() in result["msg"]
    assert "config_is_read_only to false" in result["msg"]


def test_another_refusal_is_quoted(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(SYSTEM, {"system": []})
    fake_occ.answer("config:import", "The file must contain a valid json array\n", rc=1)
    assert "Could not write the configuration on" in run(system={"a": 1})["msg"]


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_hidden_values_are_compared_and_never_shown(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(
        ALL,
        {
            "system": {"dbpassword": HIDDEN, "redis": {"host": "h", "password": HIDDEN}},
            "apps": {"x": {"apikey2": HIDDEN}},
        },
    )
    fake_occ.answer(
        "config:list --private --output=json",
        {
            "system": {"dbpassword": "old-secret-1", "redis": {"host": "h", "password": "old-secret-2"}},
            "apps": {"x": {"apikey2": "$AppConfigEncryption$abc|def|3"}},
        },
    )
    fake_occ.answer("config:app:get x apikey2 --output=json", '"old-secret-3"\n')
    args = {
        "system": {"dbpassword": "old-secret-1", "redis": {"password": "old-secret-2"}},
        "apps": {"x": {"apikey2": "old-secret-3"}},
    }
    result = run(**args)
    assert result["changed"] is False
    assert result["config"]["system"] == {"dbpassword": "********", "redis": {"host": "h", "password": "********"}}
    assert "old-secret" not in json.dumps(result)


def test_a_hidden_value_that_changes_says_so_and_goes_by_standard_input(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(SYSTEM, {"system": {"redis": {"host": "h", "password": HIDDEN}}})
    fake_occ.answer(
        "config:list system --private --output=json", {"system": {"redis": {"host": "h", "password": "old-secret-2"}}}
    )
    fake_occ.answer("config:import", IMPORTED)
    result = run(system={"redis": {"host": "i"}}, secret_system={"redis": {"password": "new-secret-2"}})
    assert result["diff"]["before"]["system"] == {"redis": {"host": "h", "password": "********"}}
    assert result["diff"]["after"]["system"] == {"redis": {"host": "i", "password": "******** (changed)"}}
    assert imported(fake_occ) == {"system": {"redis": {"host": "i", "password": "new-secret-2"}}}
    assert "secret-2" not in json.dumps(result)
    assert not any("secret-2" in command for command in fake_occ.commands)


def test_a_part_beside_a_hidden_one_keeps_the_hidden_one(run: t.Any, fake_occ: t.Any) -> None:
    """The whole map is written, so the placeholder must not get into it."""
    fake_occ.answer(SYSTEM, {"system": {"redis": {"host": "h", "password": HIDDEN}}})
    fake_occ.answer(
        "config:list system --private --output=json", {"system": {"redis": {"host": "h", "password": "old-secret-2"}}}
    )
    fake_occ.answer("config:import", IMPORTED)
    run(system={"redis": {"host": "i"}})
    assert imported(fake_occ) == {"system": {"redis": {"host": "i", "password": "old-secret-2"}}}


def test_a_secret_app_value_is_masked_also_when_nextcloud_does_not_hide_it(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list x --output=json", {"apps": {"x": {"plain": "old-secret-1"}}})
    fake_occ.answer("config:import", IMPORTED)
    result = run(secret_apps={"x": {"plain": "new-secret-1", "fresh": "new-secret-2"}}, apps={"x": {"open": "o"}})
    assert result["diff"]["after"]["apps"]["x"] == {"open": "o", "plain": "******** (changed)", "fresh": "********"}
    assert "secret-1" not in json.dumps(result)
    assert imported(fake_occ)["apps"]["x"] == {"open": "o", "plain": "new-secret-1", "fresh": "new-secret-2"}


def test_a_key_that_sounds_like_a_secret_is_masked(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer(SYSTEM, {"system": []})
    fake_occ.answer("config:import", IMPORTED)
    result = run(system={"mail_smtppassword": "new-secret-1", "objectstore": {"key": "new-secret-2", "keyed": ["x"]}})
    assert result["config"]["system"]["objectstore"] == {"key": "********", "keyed": ["x"]}
    assert "new-secret" not in json.dumps(result)


def test_a_typed_secret_is_refused_before_a_write(run: t.Any, fake_occ: t.Any) -> None:
    fake_occ.answer("config:list x --output=json", {"apps": {"x": {"pin": 1234, "a": "1"}}})
    result = run(secret_apps={"x": {"pin": "99887766"}}, apps={"x": {"a": "2"}})
    assert result["error"]["type"] == "Refused"
    assert "value pin of the app x" in result["msg"]
    assert len(fake_occ.commands) == 1


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"system": {}}, "no value is given"),
        ({"system": {"a": 1}, "secret_system": {"a": "long-secret"}}, "both hold a"),
        ({"apps": {"x": {"a": 1}}, "secret_apps": {"x": {"a": "long-secret"}}}, "both hold a of x"),
        ({"apps": {"x": "text"}}, "apps holds x"),
        ({"apps": {"system": {"a": 1}}}, "apps holds system"),
        ({"apps": {"--private": {"a": 1}}}, "--private"),
        ({"apps": {"x": {"--type": 1}}}, "--type"),
        ({"system": {" a": 1}}, "' a'"),
    ],
)
def test_bad_input_is_named_before_the_first_start(
    run: t.Any, fake_occ: t.Any, args: dict[str, t.Any], named: str
) -> None:
    result = run(**args)
    assert result["error"]["type"] == "BadInput"
    assert named in result["msg"]
    assert fake_occ.starts == []


def test_without_any_value_ansible_refuses(run: t.Any) -> None:
    assert "one of the following is required" in run()["msg"]

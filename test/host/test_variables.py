import json

from rollcall_host.variables import format_variables


def test_variables_without_braces_are_json():
    assert json.loads(format_variables({"a": "b", "n": [1, None]})) == {"a": "b", "n": [1, None]}


def test_text_that_could_be_a_template_is_marked_as_none():
    assert format_variables({"a": "{{ b }}", "n": 1}) == '{"a": !unsafe "{{ b }}", "n": 1}\n'


def test_keys_and_items_are_marked_too():
    text = format_variables({"a": {"{{ k }}": ["{% v %}"]}})
    assert text == '{"a": {? !unsafe "{{ k }}" : [!unsafe "{% v %}"]}}\n'


def test_a_variable_that_is_named_as_a_template_stays_one_and_the_list_of_names_is_left_out():
    text = format_variables({"a": "{{ b }}", "c": "{{ d }}", "rollcall_templates": ["a"]})
    assert text == '{"a": "{{ b }}", "c": !unsafe "{{ d }}"}\n'


def test_text_and_numbers_that_yaml_reads_otherwise_are_written_so_that_it_does_not():
    text = format_variables({"t": "{\u0085\"\\\n", "n": 1e22})
    assert text == '{"t": !unsafe "{\\U00000085\\U00000022\\U0000005c\\U0000000a", "n": 1.0e+22}\n'

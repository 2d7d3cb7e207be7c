#include "core/base/json.hpp"
#include "core/play/foreign_modules.hpp"

#include "site_fixture.hpp"

namespace gpustack::play {
namespace {

struct ActionCase {
  std::string name;
  std::string yaml;
  std::string action;
  std::string arguments;
};

class TaskAction : public SiteTest, public ::testing::WithParamInterface<ActionCase> {};

TEST_P(TaskAction, YieldsItsArguments) {
  const Task& task = task_at(load_tasks(GetParam().yaml), 0);

  EXPECT_EQ(task.action, GetParam().action);
  EXPECT_EQ(to_json(task.arguments), GetParam().arguments);
}

INSTANTIATE_TEST_SUITE_P(
    Forms,
    TaskAction,
    ::testing::Values(
        ActionCase{"map", "- debug:\n    msg: hello", "debug", R"({"msg": "hello"})"},
        ActionCase{"qualified",
                   "- ansible.builtin.debug:\n    msg: hello",
                   "ansible.builtin.debug",
                   R"({"msg": "hello"})"},
        ActionCase{"key_value",
                   "- debug: msg='hello there' verbosity=2",
                   "debug",
                   R"({"msg": "hello there", "verbosity": "2"})"},
        ActionCase{"empty", "- ping:", "ping", "{}"},
        ActionCase{
            "free_form", "- command: echo a=b 'c  d'", "command", R"({"cmd": "echo a=b 'c  d'"})"},
        ActionCase{"free_form_with_options",
                   "- command: touch x creates=/x chdir=/tmp",
                   "command",
                   R"({"creates": "/x", "chdir": "/tmp", "cmd": "touch x"})"},
        ActionCase{"free_form_with_args",
                   "- shell: touch x\n  args:\n    creates: /x",
                   "shell",
                   R"({"creates": "/x", "cmd": "touch x"})"},
        ActionCase{
            "cmd_in_args", "- shell:\n  args:\n    cmd: date", "shell", R"({"cmd": "date"})"},
        ActionCase{"argument_wins_over_args",
                   "- debug:\n    msg: near\n  args:\n    msg: far",
                   "debug",
                   R"({"msg": "near"})"},
        ActionCase{"unbalanced_quote_in_shell",
                   "- shell: \"echo it's\"",
                   "shell",
                   R"({"cmd": "echo it's"})"},
        ActionCase{"action_text", "- action: debug msg=hello", "debug", R"({"msg": "hello"})"},
        ActionCase{"action_map",
                   "- action:\n    module: debug\n    msg: hello",
                   "debug",
                   R"({"msg": "hello"})"},
        ActionCase{"action_map_with_args",
                   "- action:\n    module: command\n    args:\n      cmd: date",
                   "command",
                   R"({"cmd": "date"})"},
        ActionCase{"action_beside_args",
                   "- action: debug msg=near\n  args:\n    msg: far",
                   "debug",
                   R"({"msg": "near"})"},
        ActionCase{
            "template_of_all", "- debug: \"{{ everything }}\"", "debug", R"("{{ everything }}")"},
        ActionCase{"template_in_args",
                   "- debug:\n    msg: x\n  args: \"{{ rest }}\"",
                   "debug",
                   R"({"_variable_params": "{{ rest }}", "msg": "x"})"},
        ActionCase{"template_with_equals",
                   "- debug: msg=\"{{ 'a' if b == 'c' else 'd' }}\"",
                   "debug",
                   R"({"msg": "{{ 'a' if b == 'c' else 'd' }}"})"},
        ActionCase{"escapes", R"(- debug: msg="a\tb\x41")", "debug", R"({"msg": "a\tbA"})"}),
    [](const auto& one) { return one.param.name; });

TEST_F(SiteTest, LocalActionDelegatesToTheController) {
  const Task& task = task_at(load_tasks("- local_action: command date"), 0);

  ASSERT_NE(task.setting(Keyword::delegate_to), nullptr);
  EXPECT_EQ(task.setting(Keyword::delegate_to)->value.as_string(), "localhost");
  EXPECT_EQ(task.arguments.get("cmd").as_string(), "date");
}

TEST_F(SiteTest, ArgumentsKnowWhereTheyStand) {
  const Task& task = task_at(load_tasks("- debug: verbosity=1 msg=hello"), 0);

  const Origin* origin = task.arguments.get("msg").origin();

  ASSERT_NE(origin, nullptr);
  EXPECT_EQ(origin->span.line, 3U);
  EXPECT_EQ(origin->span.column, 30U);
  EXPECT_EQ(task.argument_spans.at("msg").column, 26U);
}

TEST_F(SiteTest, KeywordsOfATaskAreRead) {
  const Task& task = task_at(load_tasks("- name: Try\n"
                                        "  command: probe\n"
                                        "  register: probe\n"
                                        "  until: probe.rc == 0\n"
                                        "  retries: 5\n"
                                        "  delay: 1\n"
                                        "  changed_when: false\n"
                                        "  failed_when: [a, b]\n"
                                        "  when: wanted\n"
                                        "  notify: Restart\n"
                                        "  async: 10\n"
                                        "  poll: 0\n"
                                        "  vars: {a: 1}\n"
                                        "  tags: x, y\n"
                                        "  become: yes\n"),
                             0);

  EXPECT_EQ(task.name, "Try");
  EXPECT_EQ(task.register_name, "probe");
  ASSERT_EQ(task.until.size(), 1U);
  EXPECT_EQ(task.retries, Value(5));
  EXPECT_EQ(task.delay, Value(1));
  EXPECT_TRUE(task.has_changed_when);
  EXPECT_EQ(task.failed_when.size(), 2U);
  EXPECT_EQ(task.when.at(0).expression.as_string(), "wanted");
  EXPECT_EQ(task.notify.at(0).as_string(), "Restart");
  EXPECT_EQ(task.async_seconds, Value(10));
  EXPECT_EQ(task.poll, Value(0));
  EXPECT_EQ(task.vars.get("a"), Value(1));
  ASSERT_EQ(task.tags.size(), 2U);
  EXPECT_EQ(task.tags.at(1).as_string(), "y");
  EXPECT_EQ(task.setting(Keyword::become)->value, Value(true));
}

TEST_F(SiteTest, WithLoopsNameTheirLookup) {
  const Block& tasks = load_tasks(
      "- debug:\n  with_items: [1, 2]\n- debug:\n  with_dict: \"{{ users }}\"\n  loop_control:\n   "
      " loop_var: user\n    label: x\n    extended: true\n- debug:\n  loop: \"{{ users }}\"");

  EXPECT_EQ(task_at(tasks, 0).loop->lookup, "items");
  EXPECT_EQ(task_at(tasks, 1).loop->lookup, "dict");
  EXPECT_EQ(task_at(tasks, 1).loop_control.loop_var, "user");
  EXPECT_TRUE(task_at(tasks, 1).loop_control.extended);
  EXPECT_EQ(task_at(tasks, 2).loop->lookup, "");
}

TEST_F(SiteTest, MetaKeepsItsWord) {
  const Task& task = task_at(load_tasks("- meta: flush_handlers"), 0);

  EXPECT_EQ(task.kind, ActionKind::meta);
  EXPECT_EQ(task.free_form, "flush_handlers");
}

TEST_F(SiteTest, LibraryModulesHideBuiltInOnes) {
  write("library/debug.py", "#!/usr/bin/python3\n");
  write("library/probe", "#!/bin/sh\n");

  const Block& tasks =
      load_tasks("- debug: anything=goes\n- probe: {x: 1}\n- ansible.builtin.debug: {msg: x}");

  EXPECT_EQ(task_at(tasks, 0).library_path, path("library/debug.py"));
  EXPECT_EQ(task_at(tasks, 0).module, nullptr);
  EXPECT_EQ(task_at(tasks, 1).library_path, path("library/probe"));
  EXPECT_NE(task_at(tasks, 2).module, nullptr);
}

TEST_F(SiteTest, UnknownModulesCanBeDeferred) {
  options_.unknown_modules = UnknownModules::defer;

  const Task& task = task_at(load_tasks("- community.general.xbps: {name: x}\n  when: false"), 0);

  EXPECT_EQ(task.action, "community.general.xbps");
  EXPECT_EQ(task.module, nullptr);
  EXPECT_EQ(loader().findings().warnings.size(), 1U);
}

TEST_F(SiteTest, ModulesOfOtherSystemsWaitUntilTheyAreReached) {
  const Block& tasks = load_tasks(
      "- pkgng: {name: x}\n  when: false\n- community.windows.win_dns_record: {name: x}\n"
      "- action: {module: zypper_repository, repo: x}\n");

  EXPECT_EQ(task_at(tasks, 0).action, "pkgng");
  EXPECT_EQ(task_at(tasks, 0).module, nullptr);
  EXPECT_EQ(task_at(tasks, 2).action, "zypper_repository");
  ASSERT_EQ(loader().findings().warnings.size(), 3U);
  EXPECT_EQ(loader().findings().warnings[0].message,
            "module 'pkgng' manages packages of FreeBSD, which is not supported: the task fails "
            "when it is reached");
}

TEST(ForeignModule, IsKnownInTheCollectionsThatHaveIt) {
  EXPECT_EQ(foreign_module("community.general.pkgng"), "packages of FreeBSD");
  EXPECT_EQ(foreign_module("ansible.windows.win_service"), "hosts with Windows");
  EXPECT_FALSE(foreign_module("acme.tools.pkgng"));
  EXPECT_TRUE(left_out_module("community.general.flatpak"));
  EXPECT_TRUE(left_out_module("subversion"));
  EXPECT_FALSE(left_out_module("acme.tools.subversion"));
  EXPECT_FALSE(foreign_module("acme.win_tools.service"));
  EXPECT_FALSE(foreign_module("pkgngx"));
}

TEST_F(SiteTest, MissingArgumentsMayComeFromModuleDefaults) {
  const Block& tasks =
      load_tasks("- block:\n    - group_by:\n  module_defaults:\n    group_by: {key: x}");

  EXPECT_EQ(block_at(tasks, 0).tasks.size(), 1U);
}

}  // namespace
}  // namespace gpustack::play

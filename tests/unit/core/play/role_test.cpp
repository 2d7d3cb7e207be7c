#include "core/base/json.hpp"
#include "core/play/tags.hpp"

#include "site_fixture.hpp"

namespace gpustack::play {
namespace {

TEST_F(SiteTest, RolesBringTheirFiles) {
  write("roles/web/tasks/main.yml", "- name: Install\n  debug:\n  notify: Restart\n");
  write("roles/web/handlers/main.yml", "- name: Restart\n  debug:\n  listen: [web, all]\n");
  write("roles/web/defaults/main.yaml", "port: 80\n");
  write("roles/web/vars/main/a.yml", "user: a\nhome: /a\n");
  write("roles/web/vars/main/b.yml", "user: b\n");
  write("roles/web/meta/main.yml", "allow_duplicates: true\ndependencies: []\n");

  const Play& play = *load(
                          "- hosts: all\n  roles:\n    - role: web\n      level: 8080\n      "
                          "become: true\n      tags: x\n      vars: {a: 1}\n")
                          .plays.at(0);

  ASSERT_EQ(play.roles.size(), 1U);
  const Role& role = *play.roles.at(0);
  EXPECT_EQ(role.name, "web");
  EXPECT_EQ(role.path, path("roles/web"));
  EXPECT_EQ(to_json(role.defaults), R"({"port": 80})");
  EXPECT_EQ(to_json(role.role_vars), R"({"user": "b", "home": "/a"})");
  EXPECT_EQ(to_json(role.params), R"({"level": 8080})");
  EXPECT_EQ(to_json(role.vars), R"({"a": 1})");
  EXPECT_TRUE(role.allow_duplicates);
  EXPECT_EQ(role.body->begins_role, &role);
  const Task& task = task_at(*role.body, 0);
  EXPECT_EQ(display_name(task), "web : Install");
  EXPECT_EQ(task.role(), &role);
  EXPECT_EQ(literal_tags(task), (TagSet{"x"}));
  EXPECT_EQ(task.setting(Keyword::become)->value, Value(true));
  ASSERT_EQ(role.handlers.size(), 1U);
  EXPECT_TRUE(role.handlers.at(0)->is_handler);
  EXPECT_EQ(role.handlers.at(0)->listen.size(), 2U);
  EXPECT_EQ(role.handlers.at(0)->role(), &role);
}

TEST_F(SiteTest, DependenciesInheritFromTheRoleThatAsksForThem) {
  write("roles/app/meta/main.yml", "dependencies:\n  - {role: base, level: 3}\n  - base\n");
  write("roles/app/tasks/main.yml", "- debug:\n");
  write("roles/base/tasks/main.yml", "- debug:\n");

  const Role& app = *load("- hosts: all\n  roles:\n    - {role: app, tags: web, when: wanted}\n")
                         .plays.at(0)
                         ->roles.at(0);

  ASSERT_EQ(app.dependencies.size(), 2U);
  const Role& base = *app.dependencies.at(0);
  EXPECT_EQ(base.params.get("level"), Value(3));
  EXPECT_EQ(base.parent, &app);
  EXPECT_NE(base.signature, app.dependencies.at(1)->signature);
  const Task& task = task_at(*base.body, 0);
  EXPECT_EQ(task.role(), &base);
  EXPECT_EQ(literal_tags(task), (TagSet{"web"}));
  EXPECT_EQ(all_conditions(task).size(), 1U);
}

TEST_F(SiteTest, EqualUsesOfARoleShareTheirSignature) {
  write("roles/base/tasks/main.yml", "- debug:\n");

  const Play& play =
      *load("- hosts: all\n  roles: [base, base, {role: base, when: x}]\n").plays.at(0);

  EXPECT_EQ(play.roles.at(0)->signature, play.roles.at(1)->signature);
  EXPECT_NE(play.roles.at(0)->signature, play.roles.at(2)->signature);
}

TEST_F(SiteTest, RolesAreFoundInTheirPlaces) {
  write("elsewhere/shipped/tasks/main.yml", "- debug:\n");
  write("plain/tasks/main.yml", "- debug:\n");
  write("shared/tools/tasks/main.yml", "- debug:\n");
  write("collections/ansible_collections/acme/gpu/roles/driver/tasks/main.yml", "- debug:\n");
  options_.role_paths = {path("elsewhere")};

  const Play& play =
      *load("- hosts: all\n  roles: [shipped, plain, shared/tools, acme.gpu.driver, '" +
            path("shared/tools") + "']\n")
           .plays.at(0);

  EXPECT_EQ(play.roles.at(0)->path, path("elsewhere/shipped"));
  EXPECT_EQ(play.roles.at(1)->path, path("plain"));
  EXPECT_EQ(play.roles.at(2)->path, path("shared/tools"));
  EXPECT_EQ(play.roles.at(2)->name, "shared/tools");
  EXPECT_EQ(play.roles.at(3)->path, path("collections/ansible_collections/acme/gpu/roles/driver"));
  EXPECT_EQ(play.roles.at(3)->name, "acme.gpu.driver");
  EXPECT_EQ(play.roles.at(4)->path, path("shared/tools"));
}

TEST_F(SiteTest, ImportedRolesRunWhereTheyStand) {
  write("roles/db/tasks/main.yml", "- debug:\n");
  write("roles/db/tasks/backup.yml", "- debug:\n- import_tasks: sub/more.yml\n");
  write("roles/db/tasks/sub/more.yml", "- debug:\n- import_tasks: near.yml\n");
  write("roles/db/tasks/sub/near.yml", "- debug:\n");
  write("roles/db/vars/other.yml", "x: 1\n");

  const Block& tasks = load_tasks(
      "- import_role:\n    name: db\n    tasks_from: backup\n    vars_from: other.yml\n  tags: "
      "nightly\n  vars: {keep: 3}");

  const Block& import = block_at(tasks, 0);
  ASSERT_NE(import.imported_role, nullptr);
  const Role& role = *import.imported_role;
  EXPECT_EQ(role.entry_point, "backup");
  EXPECT_EQ(role.role_vars.get("x"), Value(1));
  EXPECT_TRUE(role.allow_duplicates);
  EXPECT_TRUE(role.from_include);
  EXPECT_EQ(literal_tags(*role.body), (TagSet{"nightly"}));
  EXPECT_EQ(role.body->tasks.size(), 2U);
  EXPECT_EQ(import.vars.get("keep"), Value(3));
}

TEST_F(SiteTest, IncludedRolesAreReadWhenAskedFor) {
  write("roles/db/tasks/setup.yml", "- debug:\n");
  write("roles/db/handlers/main.yml", "- name: Restart\n  debug:\n");
  const Block& tasks = load_tasks(
      "- include_role:\n    name: \"{{ kind }}\"\n    tasks_from: setup\n    public: true\n    "
      "apply: {become: true, tags: [t]}\n  tags: include");
  const Task& include = task_at(tasks, 0);
  EXPECT_TRUE(include.include_public);

  auto role = loader().include_role(include, "db");

  ASSERT_TRUE(role.has_value()) << role.error().render();
  const Task& task = task_at(*(*role)->body, 0);
  EXPECT_EQ(task.setting(Keyword::become)->value, Value(true));
  EXPECT_EQ(literal_tags(task), (TagSet{"t"}));
  EXPECT_EQ(role->get()->handlers.size(), 1U);
  EXPECT_TRUE(role->get()->is_public);
  EXPECT_EQ(role->get()->parent, &include);
}

TEST_F(SiteTest, ArgumentSpecsPutACheckFirst) {
  write("roles/db/meta/argument_specs.yml",
        "argument_specs:\n  main:\n    short_description: A database\n    options:\n      level: "
        "{type: int, required: true}\n  other:\n    options: {}\n");
  write("roles/db/tasks/main.yml", "- debug:\n");

  const Role& role =
      *load("- hosts: all\n  roles:\n    - {role: db, level: 1}\n").plays.at(0)->roles.at(0);

  ASSERT_EQ(role.body->tasks.size(), 2U);
  const Task& check = task_at(*role.body, 0);
  EXPECT_TRUE(check.is_implicit);
  EXPECT_EQ(check.action, "ansible.builtin.validate_argument_spec");
  EXPECT_EQ(check.name, "Validating arguments against arg spec 'main' - A database");
  EXPECT_EQ(literal_tags(check), (TagSet{"always"}));
  EXPECT_EQ(to_json(check.arguments.get("argument_spec")),
            R"({"level": {"type": "int", "required": true}})");
  EXPECT_EQ(to_json(check.arguments.get("provided_arguments")), R"({"level": 1})");
}

TEST_F(SiteTest, RolespecValidateFalseLeavesTheCheckOut) {
  write("roles/db/meta/main.yml",
        "argument_specs:\n  main:\n    options:\n      port: {type: int}\n");
  write("roles/db/tasks/main.yml", "- debug:\n");

  const Block& tasks =
      load_tasks("- import_role: {name: db, rolespec_validate: false}\n- import_role: {name: db}");

  EXPECT_EQ(block_at(tasks, 0).imported_role->body->tasks.size(), 1U);
  EXPECT_EQ(block_at(tasks, 1).imported_role->body->tasks.size(), 2U);
}

TEST_F(SiteTest, HandlersComeOutOfBlocksAndImports) {
  write("more.yml", "- name: Three\n  debug:\n");
  const Play& play = *load(
                          "- hosts: all\n  handlers:\n    - name: One\n      debug:\n    - "
                          "block:\n        - name: Two\n          debug:\n      become: true\n"
                          "    - import_tasks: more.yml\n    - name: Four\n      include_tasks: "
                          "more.yml\n      listen: x\n")
                          .plays.at(0);

  ASSERT_EQ(play.handlers.size(), 4U);
  EXPECT_EQ(play.handlers.at(1)->name, "Two");
  EXPECT_EQ(play.handlers.at(1)->setting(Keyword::become)->value, Value(true));
  EXPECT_EQ(play.handlers.at(2)->name, "Three");
  EXPECT_EQ(play.handlers.at(3)->kind, ActionKind::include_tasks);
  EXPECT_EQ(play.handlers.at(3)->listen.size(), 1U);
}

}  // namespace
}  // namespace gpustack::play

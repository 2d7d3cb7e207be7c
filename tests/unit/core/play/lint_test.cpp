#include "core/play/lint.hpp"

#include "site_fixture.hpp"

namespace gpustack::play {
namespace {

class LintTest : public SiteTest {
 protected:
  Findings check(const Site& site) {
    jinja::Environment environment;
    Findings findings;
    check_templates(site, environment, findings);
    return findings;
  }
};

TEST_F(LintTest, SoundTemplatesPass) {
  const Findings findings =
      check(load("- hosts: all\n  vars: {a: '{{ b | default(3) }}'}\n  tasks:\n    - debug: {msg: "
                 "'{% if a %}x{% endif %}'}\n      when: [a is defined, 'b in [1, 2]', true]\n     "
                 " with_items: '{{ c }}'\n"));

  for (const Error& error : findings.errors) ADD_FAILURE() << error.render();
}

TEST_F(LintTest, FaultsPointIntoTheFile) {
  const Findings findings =
      check(load("- hosts: all\n  tasks:\n    - debug:\n        msg: \"hello {{ name | uper }}\"\n "
                 "     when: a ==\n    - debug: {msg: '{{ open'}\n"));

  ASSERT_EQ(findings.errors.size(), 3U);
  for (const Error& error : findings.errors) EXPECT_TRUE(error.span().known()) << error.render();
  const auto filter =
      std::find_if(findings.errors.begin(), findings.errors.end(), [](const Error& error) {
        return error.code() == ErrorCode::unknown_filter;
      });
  ASSERT_NE(filter, findings.errors.end());
  EXPECT_EQ(filter->span().line, 4U);
  EXPECT_EQ(filter->span().column, 31U);
  EXPECT_EQ(filter->hint(), "did you mean 'upper'?");
}

TEST_F(LintTest, RolesUsedTwiceAreToldOnce) {
  write("roles/r/tasks/main.yml", "- debug: {msg: '{{ x | nope }}'}\n");

  const Findings findings = check(load("- hosts: all\n  roles: [r, {role: r, when: x}]\n"));

  EXPECT_EQ(findings.errors.size(), 1U);
}

TEST_F(LintTest, UnknownLookupsOfLoopsAreFound) {
  const Findings findings =
      check(load("- hosts: all\n  tasks:\n    - debug:\n      with_itmes: [1]\n    - debug:\n      "
                 "with_community.general.flattened: [[1]]\n"));

  ASSERT_EQ(findings.errors.size(), 1U);
  EXPECT_EQ(findings.errors.at(0).code(), ErrorCode::unknown_lookup);
}

TEST_F(LintTest, BracketsInConditionsAreWarnedAbout) {
  const Findings findings =
      check(load("- hosts: all\n  tasks:\n    - debug:\n      when: '{{ x }}'\n"));

  EXPECT_TRUE(findings.errors.empty());
  EXPECT_EQ(findings.warnings.size(), 1U);
}

TEST_F(SiteTest, ImportNamesAreRenderedFromWhatIsWritten) {
  write("roles/web/tasks/main.yml", "- import_tasks: \"{{ role_path }}/extra/{{ kind }}.yml\"\n");
  write("roles/web/defaults/main.yml", "kind: \"{{ base }}-{{ level }}\"\nlevel: 1\n");
  write("roles/web/extra/plain-2.yml", "- debug:\n");
  write("common.yml", "- debug:\n");
  options_.extra_vars = Value::map({{"level", Value(2)}});

  const Play& play =
      *load(
           "- hosts: all\n  vars: {base: plain, file: common}\n  roles: ['{{ \"we\" ~ \"b\" }}']\n "
           " tasks:\n    - import_tasks: '{{ playbook_dir }}/{{ file }}.yml'\n"
           "    - import_tasks: '{{ own }}.yml'\n      vars: {own: common}\n")
           .plays.at(0);

  EXPECT_EQ(block_at(*play.roles.at(0)->body, 0).tasks.size(), 1U);
  EXPECT_EQ(block_at(*play.tasks, 0).tasks.size(), 1U);
  EXPECT_EQ(block_at(*play.tasks, 1).tasks.size(), 1U);
}

}  // namespace
}  // namespace gpustack::play

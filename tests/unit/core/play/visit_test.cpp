#include "core/play/visit.hpp"

#include <algorithm>

#include "site_fixture.hpp"

namespace gpustack::play {
namespace {

std::vector<std::string> templates_of(const Site& site, TemplateKind wanted) {
  std::vector<std::string> found;
  for_each_template(site, [&](const Value& text, TemplateKind kind, const SourceSpan& where) {
    EXPECT_TRUE(where.known()) << text.as_string();
    if (kind == wanted) found.push_back(text.as_string());
  });
  std::sort(found.begin(), found.end());
  return found;
}

TEST_F(SiteTest, EveryTemplateIsVisited) {
  write("roles/r/tasks/main.yml", "- debug: {msg: '{{ t1 }}'}\n");
  write("roles/r/defaults/main.yml", "a: '{{ t2 }}'\nb: [1, {c: 'x{% if t3 %}y{% endif %}'}]\n");
  write("roles/r/handlers/main.yml", "- name: h\n  debug: {msg: '{{ t4 }}'}\n");

  const Site& site = load(
      "- hosts: '{{ t5 }}'\n  vars: {v: '{{ t6 }}', plain: text, raw: !unsafe '{{ no }}'}\n  "
      "roles: [r]\n  tasks:\n    - block:\n        - import_role: {name: r}\n"
      "        - command: 'run {{ t7 }}'\n          loop: '{{ t8 }}'\n          notify: '{{ t9 "
      "}}'\n      become_user: '{{ u1 }}'\n");

  EXPECT_EQ(templates_of(site, TemplateKind::text),
            (std::vector<std::string>{"run {{ t7 }}",
                                      "x{% if t3 %}y{% endif %}",
                                      "x{% if t3 %}y{% endif %}",
                                      "{{ t1 }}",
                                      "{{ t1 }}",
                                      "{{ t2 }}",
                                      "{{ t2 }}",
                                      "{{ t4 }}",
                                      "{{ t4 }}",
                                      "{{ t5 }}",
                                      "{{ t6 }}",
                                      "{{ t8 }}",
                                      "{{ t9 }}",
                                      "{{ u1 }}"}));
}

TEST_F(SiteTest, ConditionsAreToldFromTexts) {
  const Site& site = load(
      "- hosts: all\n  tasks:\n    - debug: {var: c1}\n      when: [c2, true, '{{ c3 }}']\n    - "
      "assert: {that: [c4, c5], fail_msg: '{{ t }}'}\n"
      "    - command: x\n      until: c6\n      changed_when: c7\n      failed_when: false\n");

  EXPECT_EQ(templates_of(site, TemplateKind::condition),
            (std::vector<std::string>{"c1", "c2", "c4", "c5", "c6", "c7", "{{ c3 }}"}));
  EXPECT_EQ(templates_of(site, TemplateKind::text), (std::vector<std::string>{"{{ t }}"}));
}

TEST_F(SiteTest, LiteralIncludesCanBeFollowed) {
  write("a.yml", "- include_tasks: b.yml\n- debug:\n");
  write("b.yml", "- include_tasks: a.yml\n- debgu:\n");
  write("roles/r/tasks/main.yml", "- debug: {mgs: x}\n");
  const Site& site = load(
      "- hosts: all\n  tasks:\n    - include_tasks: a.yml\n    - include_tasks: '{{ x }}.yml'\n    "
      "- include_role: {name: r}\n    - include_role: {name: absent}\n");

  const auto nodes = loader().follow_includes(site);

  EXPECT_EQ(nodes.size(), 3U);
  EXPECT_EQ(loader().findings().errors.size(), 2U);
}

TEST_F(SiteTest, ExpectedFailuresAreLeftToTheRun) {
  load_tasks(
      "- debug: {mgs: x}\n  ignore_errors: true\n- debug: {mgs: y}\n  failed_when: false\n- "
      "block:\n    - debug: {mgs: z}\n  rescue:\n    - debug:");

  EXPECT_EQ(loader().findings().warnings.size(), 3U);
}

}  // namespace
}  // namespace gpustack::play

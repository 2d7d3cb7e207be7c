#include "core/base/json.hpp"
#include "core/play/keywords.hpp"
#include "core/play/tags.hpp"

#include <algorithm>

#include "site_fixture.hpp"

namespace gpustack::play {
namespace {

TEST_F(SiteTest, PlayKeywordsAreRead) {
  const Play& play = *load(
                          "- name: Web\n  hosts: [web, '!old']\n  gather_facts: no\n  "
                          "gather_subset: [min]\n  serial: [1, 30%]\n"
                          "  max_fail_percentage: 20\n  strategy: ansible.builtin.free\n  order: "
                          "sorted\n  force_handlers: true\n"
                          "  vars_files: [a.yml, [b.yml, c.yml]]\n  environment: {A: b}\n  vars: "
                          "[{x: 1}, {y: 2}]\n"
                          "  vars_prompt:\n    - {name: colour, prompt: Which?, default: red, "
                          "private: false}\n  tags: t\n")
                          .plays.at(0);

  EXPECT_EQ(display_name(play), "Web");
  EXPECT_EQ(play.hosts.size(), 2U);
  EXPECT_EQ(play.gather_facts, Value(false));
  EXPECT_EQ(to_json(play.serial), R"([1, "30%"])");
  EXPECT_EQ(play.max_fail_percentage, Value(20));
  EXPECT_EQ(play.strategy, "free");
  EXPECT_TRUE(play.strategy_written);
  EXPECT_EQ(play.order, "sorted");
  EXPECT_TRUE(play.force_handlers);
  ASSERT_EQ(play.vars_files.size(), 2U);
  EXPECT_TRUE(play.vars_files.at(1).is_list());
  EXPECT_EQ(to_json(play.vars), R"({"x": 1, "y": 2})");
  ASSERT_EQ(play.vars_prompt.size(), 1U);
  EXPECT_EQ(play.vars_prompt.at(0).fallback.as_string(), "red");
  EXPECT_FALSE(play.vars_prompt.at(0).is_private);
}

TEST_F(SiteTest, ImportedPlaybooksTakeOverTagsConditionsAndVariables) {
  write("sub/web.yml",
        "- hosts: web\n  tags: own\n  vars: {a: play, b: play}\n  tasks: [{debug: }]\n- "
        "import_playbook: deeper.yml\n  tags: second\n");
  write("sub/deeper.yml", "- hosts: db\n  tasks: [{debug: }]\n");

  const Site& site = load(
      "- ansible.builtin.import_playbook: sub/web.yml\n  when: wanted\n  tags: first\n  vars: {a: "
      "import}\n");

  ASSERT_EQ(site.plays.size(), 2U);
  const Play& web = *site.plays.at(0);
  EXPECT_EQ(web.folder, path("sub"));
  EXPECT_EQ(to_json(web.vars), R"({"a": "import", "b": "play"})");
  EXPECT_EQ(literal_tags(task_at(*web.tasks, 0)), (TagSet{"own", "first"}));
  EXPECT_EQ(all_conditions(task_at(*web.tasks, 0)).size(), 1U);
  EXPECT_EQ(literal_tags(*site.plays.at(1)), (TagSet{"first", "second"}));
}

TEST_F(SiteTest, OldImportTextCarriesTagsAndVariables) {
  write("web.yml", "- hosts: web\n");

  const Play& play = *load("- import_playbook: web.yml tags=a,b level=3\n").plays.at(0);

  EXPECT_EQ(literal_tags(play), (TagSet{"a", "b"}));
  EXPECT_EQ(play.vars.get("level").as_string(), "3");
}

TEST_F(SiteTest, BlocksKeepTheirThreeLists) {
  const Block& block = block_at(load_tasks("- name: Careful\n  block:\n    - debug:\n  rescue:\n   "
                                           " - debug:\n    - debug:\n  always:\n    - debug:"),
                                0);

  EXPECT_TRUE(block.is_explicit);
  EXPECT_EQ(block.name, "Careful");
  EXPECT_EQ(block.tasks.size(), 1U);
  EXPECT_EQ(block.rescue.size(), 2U);
  EXPECT_EQ(block.always.size(), 1U);
}

TEST_F(SiteTest, LegacyIncludeIsStaticWithoutTemplatesAndLoops) {
  write("a.yml", "- debug:\n");

  const Block& tasks = load_tasks(
      "- include: a.yml level=3\n- include: a.yml\n  with_items: [1]\n- include: \"{{ b }}.yml\"");

  EXPECT_EQ(block_at(tasks, 0).tasks.size(), 1U);
  EXPECT_EQ(block_at(tasks, 0).vars.get("level").as_string(), "3");
  EXPECT_EQ(task_at(tasks, 1).kind, ActionKind::include_tasks);
  EXPECT_EQ(task_at(tasks, 2).kind, ActionKind::include_tasks);
}

TEST_F(SiteTest, EmptyPlaybooksAreOnlyWarnedAbout) {
  const Site& site = load("---\n# nothing yet\n");

  EXPECT_TRUE(site.plays.empty());
  EXPECT_EQ(loader().findings().warnings.size(), 1U);
}

TEST(Keywords, AreSortedForSearch) {
  const auto table = all_keywords();

  EXPECT_TRUE(std::is_sorted(
      table.begin(), table.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
  for (const KeywordInfo& row : table) EXPECT_EQ(find_keyword(row.name), &row);
}

TEST(Keywords, NameEverySetting) {
  for (int i = 0; i < static_cast<int>(Keyword::count); ++i)
    EXPECT_NE(keyword_name(static_cast<Keyword>(i)), "?") << i;
}

}  // namespace
}  // namespace gpustack::play

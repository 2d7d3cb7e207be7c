#include "core/play/tags.hpp"

#include "site_fixture.hpp"

namespace gpustack::play {
namespace {

TEST_F(SiteTest, NearestSettingWins) {
  const Play& play =
      *load(
           "- hosts: all\n  become: false\n  remote_user: me\n  tasks:\n    - block:\n        - "
           "debug:\n          become_user: her\n      become: true\n")
           .plays.at(0);
  const Task& task = task_at(block_at(*play.tasks, 0), 0);

  EXPECT_EQ(task.setting(Keyword::become)->value, Value(true));
  EXPECT_EQ(task.setting(Keyword::remote_user)->value.as_string(), "me");
  EXPECT_EQ(task.setting(Keyword::become_user)->value.as_string(), "her");
  EXPECT_EQ(task.setting(Keyword::no_log), nullptr);
  EXPECT_EQ(task.play(), &play);
}

TEST_F(SiteTest, ConditionsAndTagsAddUpFromOutside) {
  write("a.yml", "- debug:\n  when: [third, fourth]\n  tags: c\n");
  const Block& tasks = load_tasks(
      "- block:\n    - import_tasks: a.yml\n      when: second\n      tags: b\n  when: first\n  "
      "tags: [a]");

  const Task& task = task_at(block_at(block_at(tasks, 0), 0), 0);

  std::vector<std::string> conditions;
  for (const Condition* condition : all_conditions(task))
    conditions.push_back(condition->expression.as_string());
  EXPECT_EQ(conditions, (std::vector<std::string>{"first", "second", "third", "fourth"}));
  EXPECT_EQ(literal_tags(task), (TagSet{"a", "b", "c"}));
}

TEST_F(SiteTest, BlocksHandTheirNotifyDown) {
  const Block& tasks =
      load_tasks("- block:\n    - debug:\n    - debug:\n      notify: Own\n  notify: Outer");

  EXPECT_EQ(task_at(block_at(tasks, 0), 0).notify.at(0).as_string(), "Outer");
  EXPECT_EQ(task_at(block_at(tasks, 0), 1).notify.at(0).as_string(), "Own");
}

TEST_F(SiteTest, IncludedTasksInheritFromAroundTheInclude) {
  write("a.yml", "- debug:\n  tags: own\n- import_tasks: sub/b.yml\n");
  write("sub/b.yml", "- debug:\n- import_tasks: c.yml\n");
  write("sub/c.yml", "- debug:\n");
  const Block& tasks = load_tasks(
      "- block:\n    - include_tasks:\n        file: a.yml\n        apply:\n          tags: "
      "applied\n          become: true\n          when: ready\n      tags: include\n      vars: "
      "{x: 1}\n"
      "  tags: around\n  no_log: true");
  const Task& include = task_at(block_at(tasks, 0), 0);

  auto block = loader().include_tasks(include, "a.yml");

  ASSERT_TRUE(block.has_value()) << block.error().render();
  const Task& task = task_at(**block, 0);
  EXPECT_EQ(literal_tags(task), (TagSet{"around", "applied", "own"}));
  EXPECT_EQ(task.setting(Keyword::become)->value, Value(true));
  EXPECT_EQ(task.setting(Keyword::no_log)->value, Value(true));
  EXPECT_EQ(all_conditions(task).size(), 1U);
  EXPECT_EQ(block->get()->parent, &include);
  EXPECT_EQ(block_at(block_at(**block, 1), 1).tasks.size(), 1U);
}

TEST_F(SiteTest, AFailedIncludeCanBeTriedAgain) {
  const Block& tasks = load_tasks("- include_tasks: \"{{ name }}.yml\"");
  const Task& include = task_at(tasks, 0);
  EXPECT_FALSE(loader().include_tasks(include, "late.yml").has_value());
  EXPECT_FALSE(loader().include_tasks(include, "late.yml").has_value());
  write("late.yml", "- debug:\n");

  const auto block = loader().include_tasks(include, "late.yml");

  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(block->get()->tasks.size(), 1U);
}

struct TagCase {
  std::string name;
  TagSet tags;
  TagSet only;
  TagSet skip;
  bool runs;
};

class TagChoices : public ::testing::TestWithParam<TagCase> {};

TEST_P(TagChoices, DecideAsAnsibleDoes) {
  const TagCase& one = GetParam();

  EXPECT_EQ(should_run(one.tags, TagChoice{one.only, one.skip}), one.runs);
}

INSTANTIATE_TEST_SUITE_P(
    Rules,
    TagChoices,
    ::testing::Values(TagCase{"all_by_default", {"a"}, {}, {}, true},
                      TagCase{"untagged_by_default", {}, {}, {}, true},
                      TagCase{"only_matches", {"a", "b"}, {"b"}, {}, true},
                      TagCase{"only_misses", {"a"}, {"b"}, {}, false},
                      TagCase{"only_misses_untagged", {}, {"b"}, {}, false},
                      TagCase{"always_runs", {"always"}, {"b"}, {}, true},
                      TagCase{"never_stays", {"never", "a"}, {}, {}, false},
                      TagCase{"never_asked_for", {"never", "a"}, {"a"}, {}, true},
                      TagCase{"never_by_name", {"never"}, {"never"}, {}, true},
                      TagCase{"all_without_never", {"never"}, {"all"}, {}, false},
                      TagCase{"tagged", {"a"}, {"tagged"}, {}, true},
                      TagCase{"tagged_misses_untagged", {}, {"tagged"}, {}, false},
                      TagCase{"tagged_misses_never", {"never"}, {"tagged"}, {}, false},
                      TagCase{"untagged", {}, {"untagged"}, {}, true},
                      TagCase{"untagged_misses_tagged", {"a"}, {"untagged"}, {}, false},
                      TagCase{"skip", {"a"}, {}, {"a"}, false},
                      TagCase{"skip_other", {"a"}, {}, {"b"}, true},
                      TagCase{"skip_always", {"always"}, {}, {"always"}, false},
                      TagCase{"skip_all_but_always", {"always"}, {}, {"all"}, true},
                      TagCase{"skip_all", {"a"}, {}, {"all"}, false},
                      TagCase{"skip_tagged", {"a"}, {}, {"tagged"}, false},
                      TagCase{"skip_tagged_keeps_untagged", {}, {}, {"tagged"}, true},
                      TagCase{"skip_untagged", {}, {}, {"untagged"}, false}),
    [](const auto& one) { return one.param.name; });

TEST(Tags, AreSplitAtCommas) { EXPECT_EQ(parse_tags({"a, b", "c"}), (TagSet{"a", "b", "c"})); }

}  // namespace
}  // namespace gpustack::play

#include "core/cli/listing.hpp"

#include "core/play/static_render.hpp"
#include "core/play/tags.hpp"
#include "inventory/pattern.hpp"

#include <algorithm>

namespace gpustack::cli {

namespace {

struct TaskLine {
  std::string title;
  play::TagSet tags;
};

std::string joined(const play::TagSet& tags) {
  std::string text;
  for (const std::string& tag : tags) text += (text.empty() ? "" : ", ") + tag;
  return text;
}

class TaskWalk {
 public:
  TaskWalk(const play::TagChoice& choice, const Value& extra_vars)
      : choice_(choice), extra_vars_(extra_vars) {}

  void section(const std::vector<std::unique_ptr<play::Node>>& nodes) {
    for (const auto& node : nodes) {
      if (node->type == play::NodeType::block) {
        block(static_cast<const play::Block&>(*node));
      } else {
        task(static_cast<const play::Task&>(*node));
      }
    }
  }
  void block(const play::Block& block) {
    if (block.begins_role != nullptr) role(*block.begins_role, &block);
    section(block.tasks);
    section(block.rescue);
    section(block.always);
  }
  void role(const play::Role& role, const play::Block* inside) {
    for (const auto& dependency : role.dependencies) this->role(*dependency, nullptr);
    if (role.body && role.body.get() != inside) block(*role.body);
  }
  [[nodiscard]] const std::vector<TaskLine>& lines() const { return lines_; }
  [[nodiscard]] const play::TagSet& tags() const { return tags_; }

 private:
  void task(const play::Task& task) {
    if (task.is_implicit) return;
    const play::TagSet tags = play::tags_at_load(task, extra_vars_);
    if (!play::should_run(tags, choice_)) return;
    std::string title = task.name.empty() ? task.action : task.name;
    if (const play::Role* owner = task.role()) title = owner->fqcn + " : " + title;
    lines_.push_back(TaskLine{std::move(title), tags});
    tags_.insert(tags.begin(), tags.end());
  }

  const play::TagChoice& choice_;
  const Value& extra_vars_;
  std::vector<TaskLine> lines_;
  play::TagSet tags_;
};

Result<std::string> hosts_text(const std::string& pattern, const Session& session) {
  std::vector<std::string> limits;
  if (!session.run.limit.empty()) limits.push_back(session.run.limit);
  GS_TRY(const auto selection, session.inventory.select({pattern}, limits));
  std::string out = "    pattern: ['" + pattern + "']\n    hosts (" +
                    std::to_string(selection.hosts.size()) + "):\n";
  for (const inventory::Host* host : selection.hosts) {
    out += "      ";
    out += host->name();
    out += '\n';
  }
  return out;
}

std::string tasks_text(const std::vector<TaskLine>& lines) {
  std::string out = "    tasks:\n";
  for (const TaskLine& line : lines)
    out += "      " + line.title + "\tTAGS: [" + joined(line.tags) + "]\n";
  return out;
}

Result<std::string> play_text(const play::Play& play,
                              int number,
                              const Session& session,
                              const play::TagChoice& choice,
                              ListWhat what) {
  const std::string pattern = inventory::pattern_text(play.hosts);
  std::string tags;
  for (const Value& tag : play.tags) {
    if (!tags.empty()) tags += ',';
    tags += to_text(tag);
  }
  std::string out = "\n  play #" + std::to_string(number) + " (" + pattern +
                    "): " + (play.name.empty() ? pattern : play.name) + "\tTAGS: [" + tags + "]\n";
  if (what.hosts) {
    GS_TRY(const auto hosts, hosts_text(pattern, session));
    out += hosts;
  }
  TaskWalk walk(choice, session.run.extra_vars);
  if (play.pre_tasks) walk.block(*play.pre_tasks);
  for (const auto& role : play.roles) walk.role(*role, nullptr);
  if (play.tasks) walk.block(*play.tasks);
  if (play.post_tasks) walk.block(*play.post_tasks);
  if (what.tasks) out += tasks_text(walk.lines());
  if (what.tags) out += "      TASK TAGS: [" + joined(walk.tags()) + "]\n";
  return out;
}

}  // namespace

Result<std::string> list_site(const play::Site& site,
                              const Session& session,
                              const std::vector<std::string>& playbooks,
                              ListWhat what) {
  play::TagChoice choice;
  choice.only = play::parse_tags(session.run.tags);
  choice.skip = play::parse_tags(session.run.skip_tags);
  std::string out;
  for (const std::string& playbook : playbooks) out += "\nplaybook: " + playbook + "\n";
  int number = 0;
  for (const auto& play : site.plays) {
    GS_TRY(const auto text, play_text(*play, ++number, session, choice, what));
    out += text;
  }
  return out;
}

}  // namespace gpustack::cli

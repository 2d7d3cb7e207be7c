#include "core/play/reader.hpp"

#include <fmt/format.h>

namespace gpustack::play {

namespace {

using Kind = ResolvedAction::Kind;

bool is_block(const yaml::Node& entry) {
  return entry.find("block") != nullptr || entry.find("rescue") != nullptr ||
         entry.find("always") != nullptr;
}

std::string places(const std::vector<std::string>& tried) {
  std::string out;
  for (const std::string& path : tried) out += (out.empty() ? "" : ", ") + path;
  return out;
}

}  // namespace

void Reader::read_tasks(const yaml::Node& list, const Surroundings& where, NodeList& into) {
  for (const yaml::Node& entry : list.items()) {
    if (auto node = read_entry(entry, where)) into.push_back(std::move(node));
  }
}

std::unique_ptr<Node> Reader::read_entry(const yaml::Node& entry, const Surroundings& where) {
  const std::string_view what = where.handlers ? "handler" : "task";
  if (!entry.is_mapping()) {
    std::string hint;
    if (entry.is_scalar() && entry.scalar().is_string())
      hint = "is a ':' missing behind the module's name?";
    if (entry.is_sequence()) hint = "there is one '-' too many";
    report(Error(ErrorCode::play_invalid,
                 fmt::format("a {} must be a map, found {}", what, found_text(entry.to_value())))
               .at(entry.span())
               .hint(hint));
    return nullptr;
  }
  if (entry.members().empty()) {
    report(
        Error(ErrorCode::task_no_action, fmt::format("this {} is empty", what)).at(entry.span()));
    return nullptr;
  }
  if (is_block(entry)) return read_block(entry, where);
  const auto action = read_action(entry, where);
  if (!action) {
    // The keywords beside a broken action are still worth checking.
    Task scratch;
    scratch.parent = where.parent;
    (void)read_keywords(
        entry, scratch, where.handlers ? KeywordPlace::handler : KeywordPlace::task);
    return nullptr;
  }
  switch (action->resolved.kind) {
    case Kind::import_tasks:
      return read_import_tasks(entry, *action, where);
    case Kind::import_role:
      return read_import_role(entry, *action, where);
    case Kind::include: {
      warn("'include' is deprecated: write 'include_tasks' or 'import_tasks'", action->span);
      const Value* file = action->arguments.find("_raw_params");
      const bool looped = entry.find("loop") != nullptr || entry.find("with_items") != nullptr;
      if (!where.dynamic && !looped && file != nullptr && !is_template(*file))
        return read_import_tasks(entry, *action, where);
      return read_task(entry, *action, where);
    }
    default:
      return read_task(entry, *action, where);
  }
}

std::unique_ptr<Node> Reader::read_block(const yaml::Node& entry, const Surroundings& where) {
  auto block = std::make_unique<Block>();
  block->parent = where.parent;
  block->span = entry.span();
  block->is_explicit = true;
  Members lists;
  for (const yaml::Node::Member* member : read_keywords(entry, *block, KeywordPlace::block)) {
    const std::string_view key = *key_text(*member);
    if (key == "block" || key == "rescue" || key == "always") {
      lists.push_back(member);
    } else if (key == "notify") {
      block->notify = listed(member->value);
    } else if (resolve(key, where.parent).known()) {
      report(Error(ErrorCode::task_many_actions,
                   fmt::format("a block runs the tasks in it, found the module '{}' beside 'block'",
                               key))
                 .at(member->key_span)
                 .hint("is a '- ' missing before it?"));
    } else {
      report_leftover(*member, KeywordPlace::block, keyword_names(KeywordPlace::block));
    }
  }
  if (entry.find("block") == nullptr) {
    for (const yaml::Node::Member* member : lists) {
      report(Error(ErrorCode::play_invalid,
                   fmt::format("'{}' stands beside a 'block', and there is none here",
                               *key_text(*member)))
                 .at(member->key_span)
                 .hint("a 'rescue' or 'always' is indented like its 'block'"));
    }
  }
  Surroundings inside = where;
  inside.parent = block.get();
  for (const yaml::Node::Member* member : lists) {
    const std::string_view key = *key_text(*member);
    if (where.handlers && key != "block") {
      report(Error(ErrorCode::unsupported_keyword,
                   fmt::format("'{}' has no effect among handlers", key))
                 .at(member->key_span)
                 .hint("remove it"));
      continue;
    }
    if (key == "block" && entry.find("rescue") != nullptr) rescued_.insert(block.get());
    read_tasks(member->value,
               inside,
               key == "block"    ? block->tasks
               : key == "rescue" ? block->rescue
                                 : block->always);
    rescued_.erase(block.get());
  }
  return block;
}

void Reader::refuse_loop_on_import(const yaml::Node& entry, const ActionParts& action) {
  for (const yaml::Node::Member& member : entry.members()) {
    const auto key = key_text(member);
    if (!key || (*key != "loop" && !key->starts_with("with_"))) continue;
    const bool is_role = action.resolved.kind == Kind::import_role;
    report(
        Error(ErrorCode::argument_conflict,
              fmt::format("'{}' is read once, before the run, and cannot have a loop", action.name))
            .at(member.key_span)
            .hint(fmt::format("use '{}'", is_role ? "include_role" : "include_tasks")));
  }
}

std::unique_ptr<Block> Reader::block_from_import(const yaml::Node& entry,
                                                 const ActionParts& action,
                                                 const Surroundings& where) {
  refuse_loop_on_import(entry, action);
  auto block = std::make_unique<Block>();
  block->parent = where.parent;
  block->span = entry.span();
  for (const yaml::Node::Member* member : read_keywords(entry, *block, KeywordPlace::block)) {
    const std::string_view key = *key_text(*member);
    const KeywordInfo* info = find_keyword(key);
    if (key == "notify") {
      block->notify = listed(member->value);
    } else if (key == "listen" && where.handlers) {
      continue;  // the handlers in the file have their own
    } else if (key == "register" || key == "loop_control" || key == "async" || key == "poll" ||
               key == "until" || key == "retries" || key == "delay" || key == "changed_when" ||
               key == "failed_when") {
      warn(fmt::format("'{}' has no effect on '{}', which is replaced by the tasks it names",
                       key,
                       action.name),
           member->key_span);
    } else if (info != nullptr && !info->allowed_on(KeywordPlace::task) && key != action.name) {
      report_leftover(*member, KeywordPlace::task, {});
    }
  }
  if (action.is_local)
    block->settings.set(Keyword::delegate_to, Setting{Value("localhost"), action.span});
  return block;
}

bool Reader::closes_loop(const std::string& file, const SourceSpan& span, const Node* parent) {
  std::vector<std::string> chain;
  for (const Node* node = parent; node != nullptr && node->type != NodeType::task;
       node = node->parent) {
    if (node->type != NodeType::block) continue;
    const std::string& from = static_cast<const Block*>(node)->imported_from;
    if (from.empty()) continue;
    chain.push_back(from);
    if (from != file) continue;
    std::string shown;
    for (auto each = chain.rbegin(); each != chain.rend(); ++each)
      shown += shown_path(*each) + " -> ";
    report(Error(ErrorCode::include_loop, fmt::format("import loop: {}{}", shown, shown_path(file)))
               .at(span)
               .hint("use 'include_tasks' with a condition if the tasks must repeat"));
    return true;
  }
  return false;
}

bool Reader::read_task_file(const std::string& path,
                            const SourceSpan& asked_at,
                            const Surroundings& where,
                            NodeList& into) {
  const auto loaded = document(path, asked_at);
  if (loaded == nullptr) return false;
  const yaml::Node& root = loaded->root;
  if (root.is_null()) {
    SourceSpan place = asked_at;
    if (!place.known()) place.file = loaded->source;
    warn(fmt::format("'{}' is empty: no tasks in it", shown_path(path)), place);
    return true;
  }
  if (!root.is_sequence()) {
    report(Error(ErrorCode::play_invalid,
                 fmt::format("a file of {} must be a list, found {}",
                             where.handlers ? "handlers" : "tasks",
                             found_text(root.to_value())))
               .at(root.span())
               .hint(root.is_mapping() ? "begin each task with '- '" : ""));
    return false;
  }
  bool is_playbook = !root.items().empty() && root.items().front().is_mapping() &&
                     root.items().front().find("hosts") != nullptr;
  if (is_playbook) {
    report(Error(ErrorCode::play_invalid,
                 fmt::format("'{}' is a playbook, and a list of tasks is wanted here",
                             shown_path(path)))
               .at(root.items().front().span())
               .related(asked_at, "asked for here")
               .hint("use 'import_playbook' at the top level of a playbook"));
    return false;
  }
  read_tasks(root, where, into);
  return true;
}

std::unique_ptr<Node> Reader::read_import_tasks(const yaml::Node& entry,
                                                const ActionParts& action,
                                                const Surroundings& where) {
  auto block = block_from_import(entry, action, where);
  Task scratch;
  scratch.parent = where.parent;
  read_include_tasks(action, scratch);
  if (action.resolved.kind == Kind::include && !scratch.vars.is_null()) {
    for (const Map::Entry& each : scratch.vars.as_map())
      block->vars.set(to_text(each.key), each.value);
    block->tags.insert(block->tags.end(), scratch.tags.begin(), scratch.tags.end());
  }
  block->has_include_params = action.resolved.kind == Kind::include;
  if (scratch.include_target.is_null()) return block;
  const Value& target = scratch.include_target;
  const SourceSpan span = target.origin() != nullptr ? target.origin()->span : action.span;
  const auto file = render_static(target, block.get(), span, "the file name of 'import_tasks'");
  if (!file) return block;
  std::vector<std::string> tried;
  const auto path = find_task_file(*file, where, tried);
  if (!path) {
    for (std::string& each : tried) each = shown_path(each);
    report(Error(ErrorCode::include_missing,
                 fmt::format("no file '{}' to import; looked for {}", *file, places(tried)))
               .at(span));
    return block;
  }
  if (closes_loop(*path, span, where.parent)) return block;
  block->imported_from = *path;
  Surroundings inside = where;
  inside.parent = block.get();
  inside.folder = folder_of(*path);
  read_task_file(*path, span, inside, block->tasks);
  return block;
}

std::unique_ptr<Node> Reader::read_import_role(const yaml::Node& entry,
                                               const ActionParts& action,
                                               const Surroundings& where) {
  auto block = block_from_import(entry, action, where);
  if (where.handlers) {
    report(Error(ErrorCode::unsupported_keyword,
                 fmt::format("Using '{}' as a handler is not supported.", action.name))
               .at(action.span));
    return block;
  }
  auto request = role_request(action, block.get(), true);
  if (!request) return block;
  auto role = std::make_unique<Role>();
  role->parent = block.get();
  role->span = entry.span();
  role->vars = block->vars;  // the whole play sees them, as it sees the role's own
  if (load_role(*role, *request)) block->imported_role = std::move(role);
  return block;
}

/// A list of handlers may hold blocks, as any list of tasks; a block inside one has no meaning.
void Reader::refuse_nested_blocks(const Block& block) {
  if (!block.imported_from.empty()) return;
  for (const auto& node : block.tasks) {
    if (node->type != NodeType::block || !static_cast<const Block&>(*node).imported_from.empty())
      continue;
    report(Error(ErrorCode::unsupported_keyword, "Using a block as a handler is not supported.")
               .at(node->span)
               .hint("write its tasks as handlers of their own, with one 'listen' for all"));
  }
}

void Reader::gather_handlers(NodeList nodes, TaskOwner& tasks, BlockOwner& blocks) {
  for (auto& node : nodes) {
    if (node->type == NodeType::task) {
      tasks.emplace_back(static_cast<Task*>(node.release()));
      continue;
    }
    std::unique_ptr<Block> block(static_cast<Block*>(node.release()));
    refuse_nested_blocks(*block);
    NodeList inner = std::move(block->tasks);
    block->tasks.clear();
    blocks.push_back(std::move(block));
    gather_handlers(std::move(inner), tasks, blocks);
  }
}

void Reader::read_handlers(const yaml::Node& list,
                           const Surroundings& where,
                           TaskOwner& tasks,
                           BlockOwner& blocks) {
  Surroundings inside = where;
  inside.handlers = true;
  NodeList nodes;
  read_tasks(list, inside, nodes);
  gather_handlers(std::move(nodes), tasks, blocks);
}

}  // namespace gpustack::play

#include "core/base/suggest.hpp"
#include "core/play/action_text.hpp"
#include "core/play/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::play {

namespace {

const std::vector<std::string_view> kStrategies = {"free", "host_pinned", "linear"};
const std::vector<std::string_view> kOrders = {
    "inventory", "reverse_inventory", "reverse_sorted", "shuffle", "sorted"};
const std::vector<std::string_view> kPromptKeys = {
    "confirm", "default", "encrypt", "name", "private", "prompt", "salt", "salt_size", "unsafe"};

const yaml::Node::Member* import_of(const yaml::Node& entry) {
  for (const yaml::Node::Member& member : entry.members()) {
    const auto key = key_text(member);
    if (key && short_name(*key) == "import_playbook") return &member;
  }
  return nullptr;
}

bool is_batch(const Value& value) {
  if (value.is_integer() || is_template(value)) return true;
  if (!value.is_string()) return false;
  std::string_view text = value.as_string();
  if (text.ends_with('%')) text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '.';
  });
}

}  // namespace

std::unique_ptr<Site> Reader::read_site(const std::vector<std::string>& playbooks) {
  auto site = std::make_unique<Site>();
  site->playbooks = playbooks;
  for (const std::string& playbook : playbooks) {
    PlayExtras extras;
    site->first_plays.push_back(site->plays.size());
    read_playbook(absolute_path(playbook, start_folder_), {}, extras, *site);
  }
  return site;
}

void Reader::read_playbook(const std::string& path,
                           const SourceSpan& asked_at,
                           const PlayExtras& extras,
                           Site& site) {
  const auto loaded = document(path, asked_at);
  if (loaded == nullptr) return;
  const yaml::Node& root = loaded->root;
  if (root.is_null()) {
    SourceSpan place;
    place.file = loaded->source;
    warn(fmt::format("'{}' is empty: no plays in it", shown_path(path)), place);
    return;
  }
  if (!root.is_sequence()) {
    report(
        Error(ErrorCode::play_invalid,
              fmt::format("a playbook is a list of plays, found {}", found_text(root.to_value())))
            .at(root.span())
            .hint(root.is_mapping() ? "begin each play with '- '" : ""));
    return;
  }
  if (root.items().empty()) {
    report(Error(ErrorCode::play_invalid, "A playbook must contain at least one play")
               .at(root.span()));
    return;
  }
  PlayExtras inner = extras;
  inner.files.push_back(path);
  const std::string folder = folder_of(path);
  for (const yaml::Node& entry : root.items()) {
    if (!entry.is_mapping()) {
      report(Error(ErrorCode::play_invalid,
                   fmt::format("a play must be a map, found {}", found_text(entry.to_value())))
                 .at(entry.span()));
    } else if (const auto* import = import_of(entry)) {
      read_import_playbook(entry, *import, folder, inner, site);
    } else if (auto play = read_play(entry, folder, inner)) {
      site.plays.push_back(std::move(play));
    }
  }
}

void Reader::report_beside_import(const yaml::Node::Member& member) {
  const std::string_view key = *key_text(member);
  if (key == "import_playbook") return;
  const KeywordInfo* info = find_keyword(key);
  if (info == nullptr || !info->allowed_on(KeywordPlace::play)) {
    report_leftover(
        member, KeywordPlace::import_playbook, keyword_names(KeywordPlace::import_playbook));
    return;
  }
  report(Error(ErrorCode::unknown_keyword,
               fmt::format("keyword '{}' does not belong beside 'import_playbook'", key))
             .at(member.key_span)
             .hint("a '- ' starts a play of its own; an import takes name, vars, when and tags"));
}

namespace {

/// The old form `file.yml tags=a,b name=value`: tags and variables go to the play, the file stays.
Value take_import_text(const Value& target, Play& play) {
  const auto text = parse_argument_text(target, FreeForm::none);
  if (!text || text->values.empty() || is_template(target)) return target;
  for (const Map::Entry& each : text->values) {
    if (to_text(each.key) == "tags") {
      const auto tags = split_tags(each.value);
      play.tags.insert(play.tags.end(), tags.begin(), tags.end());
    } else {
      play.vars.set(to_text(each.key), each.value);
    }
  }
  return text->rest;
}

/// What an import adds to the plays below it; the outermost import's variables have the last word.
PlayExtras extras_below(const PlayExtras& outer, const Play& import) {
  PlayExtras out = outer;
  out.tags.insert(out.tags.end(), import.tags.begin(), import.tags.end());
  out.when.insert(out.when.end(), import.when.begin(), import.when.end());
  if (!import.vars.is_map()) return out;
  out.vars = import.vars;
  if (outer.vars.is_map()) {
    for (const Map::Entry& each : outer.vars.as_map()) out.vars.set(to_text(each.key), each.value);
  }
  return out;
}

}  // namespace

void Reader::read_import_playbook(const yaml::Node& entry,
                                  const yaml::Node::Member& import,
                                  const std::string& folder,
                                  const PlayExtras& extras,
                                  Site& site) {
  Play scratch;
  scratch.folder = folder;
  for (const yaml::Node::Member* member :
       read_keywords(entry, scratch, KeywordPlace::import_playbook)) {
    if (member != &import) report_beside_import(*member);
  }
  const yaml::Node& value = import.value;
  if (!value.is_scalar() || !value.scalar().is_string() || value.scalar().as_string().empty()) {
    report(Error(ErrorCode::play_invalid,
                 fmt::format("'import_playbook' wants a file name, found {}",
                             found_text(value.to_value())))
               .at(value.is_null() ? import.key_span : value.span()));
    return;
  }
  const Value target = take_import_text(value.scalar(), scratch);
  if (target.is_null()) {
    report(Error(ErrorCode::play_invalid, "'import_playbook' names no file").at(value.span()));
    return;
  }
  const auto name =
      render_static(target, &scratch, value.span(), "the file name of 'import_playbook'");
  if (!name) return;
  const std::string path = find_playbook(*name, folder);
  if (std::find(extras.files.begin(), extras.files.end(), path) != extras.files.end()) {
    std::string chain;
    for (const std::string& file : extras.files) chain += shown_path(file) + " -> ";
    report(Error(ErrorCode::include_loop, fmt::format("import loop: {}{}", chain, shown_path(path)))
               .at(value.span()));
    return;
  }
  if (!is_file(path)) {
    report(Error(ErrorCode::include_missing,
                 fmt::format("no playbook '{}' to import; looked for {}", *name, shown_path(path)))
               .at(value.span()));
    return;
  }
  read_playbook(path, value.span(), extras_below(extras, scratch), site);
}

std::string Reader::find_playbook(const std::string& name, const std::string& folder) const {
  constexpr std::string_view kEndings[] = {".yml", ".yaml"};
  std::string beside = absolute_path(name, folder);
  if (is_file(beside) || name.find('/') != std::string::npos) return beside;
  const std::size_t first = name.find('.');
  const std::size_t second = first == std::string::npos ? first : name.find('.', first + 1);
  if (second == std::string::npos) return beside;
  std::string inner = name.substr(second + 1);
  for (const std::string_view ending : kEndings) {
    if (inner.ends_with(ending)) inner.resize(inner.size() - ending.size());
  }
  std::replace(inner.begin(), inner.end(), '.', '/');
  const std::string below = "/" + name.substr(0, first) + "/" +
                            name.substr(first + 1, second - first - 1) + "/playbooks/" + inner;
  for (const std::string& root : collection_folders(folder)) {
    for (const std::string_view ending : kEndings) {
      std::string path = root + below;
      path += ending;
      if (is_file(path)) return path;
    }
  }
  return beside;
}

void Reader::read_hosts(const yaml::Node::Member& member, Play& play) {
  const yaml::Node& value = member.value;
  play.hosts_span = value.is_null() ? member.key_span : value.span();
  play.hosts = value.to_value();
  const bool empty =
      value.is_null() || (value.is_sequence() && value.items().empty()) ||
      (value.is_scalar() && value.scalar().is_string() && value.scalar().as_string().empty());
  if (empty) {
    report(Error(ErrorCode::play_invalid, "Hosts list cannot be empty. Please check your playbook")
               .at(play.hosts_span)
               .hint("'all' is every host"));
  }
  if (value.is_scalar() && !value.scalar().is_string()) play.hosts = Value(to_text(value.scalar()));
}

void Reader::read_serial(const yaml::Node& value, Play& play) {
  play.serial = value.to_value();
  const List batches = play.serial.is_list() ? play.serial.as_list() : List{play.serial};
  for (const Value& batch : batches) {
    if (batch.is_null() || is_batch(batch)) continue;
    report(Error(ErrorCode::yaml_type,
                 fmt::format("'serial' wants a number, a percentage or a list of them, found {}",
                             found_text(batch)))
               .at(value.span()));
  }
}

void Reader::read_vars_files(const yaml::Node& value, Play& play) {
  for (const Value& file : listed(value)) {
    const List alternatives = file.is_list() ? file.as_list() : List{file};
    const bool sound = std::all_of(
        alternatives.begin(), alternatives.end(), [](const Value& one) { return one.is_string(); });
    if (!sound) {
      report(Error(ErrorCode::yaml_type,
                   fmt::format("'vars_files' wants file names, found {}", found_text(file)))
                 .at(value.span()));
      continue;
    }
    play.vars_files.push_back(file);
  }
}

void Reader::read_vars_prompt(const yaml::Node& value, Play& play) {
  const std::vector<yaml::Node> entries =
      value.is_sequence() ? value.items() : std::vector<yaml::Node>{};
  if (!value.is_sequence() && !value.is_null()) {
    report(Error(ErrorCode::yaml_type,
                 fmt::format("'vars_prompt' wants a list of maps, found {}",
                             found_text(value.to_value())))
               .at(value.span()));
  }
  for (const yaml::Node& entry : entries) {
    VarsPrompt prompt;
    prompt.span = entry.span();
    for (const yaml::Node::Member& member : entry.members()) {
      const std::string_view key = key_text(member).value_or("");
      const Value read = member.value.to_value();
      if (key == "name") {
        prompt.name = to_text(read);
      } else if (key == "prompt") {
        prompt.prompt = to_text(read);
      } else if (key == "default") {
        prompt.fallback = read;
      } else if (key == "private") {
        prompt.is_private = literal_bool(member.value, key, true);
      } else if (key == "confirm") {
        prompt.confirm = literal_bool(member.value, key, false);
      } else if (key == "encrypt") {
        prompt.encrypt = to_text(read);
      } else if (std::find(kPromptKeys.begin(), kPromptKeys.end(), key) == kPromptKeys.end()) {
        report(
            Error(ErrorCode::unknown_keyword, fmt::format("unknown key '{}' in 'vars_prompt'", key))
                .at(member.key_span)
                .hint(suggest(key, kPromptKeys)));
      }
    }
    if (!is_identifier(prompt.name)) {
      report(Error(ErrorCode::play_invalid,
                   entry.is_mapping()
                       ? "Invalid vars_prompt data structure, missing 'name' key"
                       : fmt::format("each entry of 'vars_prompt' must be a map, found {}",
                                     found_text(entry.to_value())))
                 .at(entry.span()));
      continue;
    }
    if (prompt.prompt.empty()) prompt.prompt = prompt.name;
    play.vars_prompt.push_back(std::move(prompt));
  }
}

/// @source ansible-core 2.14, vars/reserved.py: the keywords, and what Jinja2 itself names
void Reader::warn_of_reserved_names(const Play& play) {
  static constexpr std::array<std::string_view, 6> kOfJinja = {
      "cycler", "dict", "joiner", "lipsum", "namespace", "range"};
  if (!play.vars.is_map()) return;
  for (const Map::Entry& each : play.vars.as_map()) {
    const std::string name = to_text(each.key);
    const KeywordInfo* keyword = find_keyword(name);
    const bool is_keyword =
        keyword != nullptr && name != "vars" &&
        (keyword->allowed_on(KeywordPlace::play) || keyword->allowed_on(KeywordPlace::role) ||
         keyword->allowed_on(KeywordPlace::block) || keyword->allowed_on(KeywordPlace::task));
    if (!is_keyword && std::ranges::find(kOfJinja, name) == kOfJinja.end()) continue;
    const Origin* origin = each.key.origin();
    warn("Found variable using reserved name: " + name,
         origin != nullptr ? origin->span : play.span);
  }
}

void Reader::check_strategy(const yaml::Node& value, Play& play) {
  play.strategy_written = true;
  play.strategy = std::string(short_name(to_text(value.to_value())));
  if (is_template(value.to_value())) {
    play.strategy = to_text(value.to_value());
  } else if (std::find(kStrategies.begin(), kStrategies.end(), play.strategy) ==
             kStrategies.end()) {
    report(
        Error(ErrorCode::unsupported_keyword,
              fmt::format("strategy '{}' is not supported; there are linear, free and host_pinned",
                          play.strategy))
            .at(value.span())
            .hint(suggest(play.strategy, kStrategies)));
  }
}

void Reader::read_play_keyword(const yaml::Node::Member& member, Play& play) {
  const std::string_view key = *key_text(member);
  const yaml::Node& value = member.value;
  if (key == "hosts") {
    read_hosts(member, play);
  } else if (key == "gather_facts") {
    play.gather_facts = value.to_value();
  } else if (key == "gather_subset") {
    play.gather_subset = value.to_value();
  } else if (key == "gather_timeout") {
    play.gather_timeout = value.to_value();
  } else if (key == "fact_path") {
    play.fact_path = value.to_value();
  } else if (key == "vars_files") {
    read_vars_files(value, play);
  } else if (key == "vars_prompt") {
    read_vars_prompt(value, play);
  } else if (key == "serial") {
    read_serial(value, play);
  } else if (key == "max_fail_percentage") {
    play.max_fail_percentage = value.to_value();
  } else if (key == "strategy") {
    check_strategy(value, play);
  } else if (key == "order") {
    play.order = to_text(value.to_value());
    if (std::find(kOrders.begin(), kOrders.end(), play.order) == kOrders.end() &&
        !is_template(value.to_value())) {
      report(Error(ErrorCode::yaml_type,
                   fmt::format("'order' wants inventory, sorted, reverse_sorted, reverse_inventory "
                               "or shuffle, found '{}'",
                               play.order))
                 .at(value.span())
                 .hint(suggest(play.order, kOrders)));
    }
  } else if (key == "force_handlers") {
    play.force_handlers = literal_bool(value, key, false);
  }
}

void Reader::read_play_lists(const yaml::Node& entry, Play& play) {
  const auto block_of = [&](std::string_view name) {
    auto block = std::make_unique<Block>();
    block->parent = &play;
    const yaml::Node* list = entry.find(name);
    block->span = list == nullptr ? play.span : list->span();
    if (list != nullptr && list->is_sequence()) {
      Surroundings where;
      where.parent = block.get();
      where.folder = play.folder;
      read_tasks(*list, where, block->tasks);
    }
    return block;
  };
  play.pre_tasks = block_of("pre_tasks");
  if (const yaml::Node* roles = entry.find("roles")) read_roles(*roles, play, play.roles);
  play.tasks = block_of("tasks");
  play.post_tasks = block_of("post_tasks");
  if (const yaml::Node* handlers = entry.find("handlers");
      handlers != nullptr && handlers->is_sequence()) {
    Surroundings where;
    where.parent = &play;
    where.folder = play.folder;
    read_handlers(*handlers, where, play.handlers, play.handler_blocks);
  }
}

std::unique_ptr<Play> Reader::read_play(const yaml::Node& entry,
                                        const std::string& folder,
                                        const PlayExtras& extras) {
  auto play = std::make_unique<Play>();
  play->span = entry.span();
  play->folder = folder;
  const Members left = read_keywords(entry, *play, KeywordPlace::play);
  Members strange;
  for (const yaml::Node::Member* member : left) {
    const KeywordInfo* info = find_keyword(*key_text(*member));
    if (info != nullptr && info->allowed_on(KeywordPlace::play)) {
      read_play_keyword(*member, *play);
    } else {
      strange.push_back(member);
    }
  }
  if (entry.find("hosts") == nullptr) {
    const bool is_task =
        std::any_of(strange.begin(), strange.end(), [&](const yaml::Node::Member* member) {
          return resolve(*key_text(*member), nullptr).known();
        });
    report(Error(ErrorCode::play_invalid,
                 is_task ? "this is a task, and a playbook is a list of plays"
                         : "a play needs 'hosts'")
               .at(entry.span())
               .hint(is_task ? "put it under the 'tasks:' of a play"
                             : "add 'hosts: all' or a host pattern"));
    if (is_task) return nullptr;
  }
  for (const yaml::Node::Member* member : strange) {
    const std::string_view key = *key_text(*member);
    if (key == "when") {
      report(Error(ErrorCode::unknown_keyword, "keyword 'when' does not belong on a play")
                 .at(member->key_span)
                 .hint("put it on roles, blocks or tasks, or on an import_playbook"));
    } else {
      report_leftover(*member, KeywordPlace::play, keyword_names(KeywordPlace::play));
    }
  }
  if (entry.find("user") != nullptr && entry.find("remote_user") != nullptr) {
    report(Error(ErrorCode::argument_conflict,
                 "both 'user' and 'remote_user' are set for this play. 'user' is its old name")
               .at(entry.member("user")->key_span));
  }
  play->tags.insert(play->tags.end(), extras.tags.begin(), extras.tags.end());
  play->when = extras.when;
  if (extras.vars.is_map()) {
    for (const Map::Entry& each : extras.vars.as_map())
      play->vars.set(to_text(each.key), each.value);
  }
  warn_of_reserved_names(*play);
  read_play_lists(entry, *play);
  return play;
}

}  // namespace gpustack::play

#include "modules/builtin/support/data_edit.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/text_edit.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

PathStep step_of(const Value& key) { return PathStep{PathStep::Kind::key, to_text(key), 0}; }

PathStep step_of(std::size_t place) {
  return PathStep{PathStep::Kind::index, {}, static_cast<std::int64_t>(place)};
}

/// The fewest edits that turn what is at `path` into `wanted`: a comment beside what stays, stays.
class Reconciler {
 public:
  explicit Reconciler(DocumentText& document) : document_(document) {}

  Result<void> run(const DataPath& path, const Value& old, const Value& wanted) {
    if (same_data(old, wanted)) return {};
    if (old.is_map() && wanted.is_map() && old.size() > 0) return maps(path, old, wanted);
    if (old.is_list() && wanted.is_list() && old.size() > 0) return lists(path, old, wanted);
    return document_.put(path, wanted);
  }

 private:
  static DataPath below(DataPath path, PathStep step) {
    path.push_back(std::move(step));
    return path;
  }

  Result<void> maps(const DataPath& path, const Value& old, const Value& wanted) {
    for (const auto& [key, value] : wanted.as_map()) {
      const DataPath place = below(path, step_of(key));
      const Value* present = member(old, to_text(key));
      GS_TRY_VOID(present == nullptr ? document_.put(place, value) : run(place, *present, value));
    }
    for (const auto& [key, value] : old.as_map()) {
      if (member(wanted, to_text(key)) == nullptr)
        GS_TRY_VOID(document_.remove(below(path, step_of(key))));
    }
    return {};
  }

  Result<void> lists(const DataPath& path, const Value& old, const Value& wanted) {
    // Items that go away from the middle take only themselves along.
    const std::size_t fewer = old.size() - std::min(old.size(), wanted.size());
    List left;
    for (std::size_t i = 0; i < old.size(); ++i) {
      const Value& item = old.as_list()[i];
      const auto is_item = [&](const Value& other) { return same_data(item, other); };
      if (i - left.size() < fewer && std::ranges::none_of(wanted.as_list(), is_item)) {
        GS_TRY_VOID(document_.remove(below(path, step_of(left.size()))));
      } else {
        left.push_back(item);
      }
    }
    for (std::size_t i = left.size(); i-- > wanted.size();)
      GS_TRY_VOID(document_.remove(below(path, step_of(i))));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const DataPath here = below(path, step_of(i));
      const Value& item = wanted.as_list()[i];
      GS_TRY_VOID(i < left.size() ? run(here, left[i], item) : document_.put(here, item));
    }
    return {};
  }

  DocumentText& document_;
};

Value merged(const Value& old, const Value& wanted, bool appends) {
  if (old.is_map() && wanted.is_map()) {
    Value out = old;
    for (const auto& [key, value] : wanted.as_map()) {
      const DataPath place{step_of(key)};
      const Value* present = member(out, to_text(key));
      if (present == nullptr) {
        out.mutable_map().set(key, value);
      } else {
        const Value both = merged(*present, value, appends);
        out = with_value(out, place, 0, both);
      }
    }
    return out;
  }
  if (!appends || !old.is_list() || !wanted.is_list()) return wanted;
  Value out = old;
  for (const Value& item : wanted.as_list()) {
    if (std::ranges::none_of(out.as_list(),
                             [&](const Value& other) { return same_data(item, other); }))
      out.push_back(item);
  }
  return out;
}

/// `list[]` becomes the number of the item that equals the value, or of the place behind the last.
Result<void> find_item(DataPath& path, const Value& root, const Value& value) {
  if (path.empty() || path.back().kind != PathStep::Kind::item) return {};
  GS_TRY(const Value* list, look_up(root, path, path.size() - 1));
  std::size_t place = 0;
  if (list != nullptr && list->is_list()) {
    const List& items = list->as_list();
    while (place < items.size() && !same_data(items[place], value)) ++place;
  }
  path.back() = step_of(place);
  return {};
}

/// Whether all of it could be read.
bool is_read(const Value& value) {
  if (value.is_list()) return std::ranges::all_of(value.as_list(), is_read);
  if (!value.is_map()) return !value.is_undefined();
  return std::ranges::all_of(value.as_map(),
                             [](const Map::Entry& entry) { return is_read(entry.value); });
}

struct Edit {
  std::string message = "OK";
  Value wanted;  ///< the whole document
};

/// Adds what lies between the last step that is there and the value.
Result<void> put_at(DocumentText& document, const Value& root, DataPath path, const Value& value) {
  std::size_t there = path.size();
  const Value* at = nullptr;
  while (true) {
    GS_TRY(at, look_up(root, path, there));
    if (at != nullptr) break;
    --there;
  }
  if (there == path.size()) return Reconciler(document).run(path, *at, value);
  for (std::size_t i = there; i < path.size(); ++i) {
    if (path[i].kind == PathStep::Kind::key) continue;
    const std::size_t size = i == there && at->is_list() ? at->size() : 0;
    GS_TRY(const std::size_t place, list_place(path[i], size, path_text(path, i)));
    path[i] = step_of(place);
  }
  // What has no parts yet becomes the container of the new one.
  const std::size_t keeps = at->size() > 0 ? there + 1 : there;
  Value whole = with_value(at->size() > 0 ? Value() : *at, path, keeps, value);
  path.resize(keeps);
  return document.put(path, whole);
}

Result<Edit> edit(DocumentText& document, const Value& root, const Args& args, Plan& plan) {
  GS_TRY(DataPath path, parse_data_path(args.text("key")));
  const Value& given = args.get("value");
  GS_TRY_VOID(find_item(path, root, given));
  GS_TRY(const Value* present, look_up(root, path, path.size()));
  if (present != nullptr && is_read(*present)) plan.set("previous", *present);
  Edit out;
  out.wanted = root;
  if (args.text("state") == "absent") {
    if (present == nullptr) return out;
    if (path.empty()) return Error(ErrorCode::invalid_argument, "key names no place to remove");
    out.message = "value removed";
    out.wanted = without(root, path, 0);
    GS_TRY_VOID(document.remove(path));
    return out;
  }
  const Value value = args.text("state") == "merged" && present != nullptr
                          ? merged(*present, given, args.text("list_merge") == "append")
                          : given;
  if (present != nullptr && same_data(*present, value)) return out;
  out.message = present == nullptr ? "value added" : "value changed";
  out.wanted = with_value(root, path, 0, value);
  GS_TRY_VOID(put_at(document, root, path, value));
  return out;
}

/// What is wrong with a file names it; what is wrong with an argument names that.
Error in_file(const Error& error, const std::string& path) {
  if (error.code() == ErrorCode::invalid_argument) return error;
  return Error(error.code(), "'" + path + "': " + error.message()).hint(error.hint());
}

}  // namespace

Result<Plan> plan_data_edit(
    const Args& args,
    const SystemView& view,
    const std::function<std::unique_ptr<DocumentText>(std::string text, int indent)>& make) {
  const std::int64_t indent = args.integer("indent");
  if (indent < 1 || indent > 16)
    return Error(ErrorCode::invalid_argument,
                 "indent is " + std::to_string(indent) + ", expected 1 to 16");
  if (args.text("state") == "present" && args.values().find("value") == nullptr) {
    return Error(ErrorCode::missing_argument, "state 'present' needs a value")
        .hint("value: null sets null");
  }
  GS_TRY(const TextFile file, open_text(view, args.text("path")));
  const bool present = args.text("state") != "absent";
  if (!file.exists() && !args.boolean("create") && present) {
    return Error(ErrorCode::module_failed, "the file '" + file.path + "' does not exist")
        .hint("create: yes makes it");
  }
  Plan plan;
  plan.set("path", Value(file.path));
  if (!file.exists() && !present) {
    plan.set("msg", "OK");
    return plan;
  }
  const auto document = make(file.content, static_cast<int>(indent));
  auto root = document->value();
  if (!root) return in_file(root.error(), file.path);
  const auto done = edit(*document, *root, args, plan);
  if (!done) return in_file(done.error(), file.path);
  auto now = document->value();
  if (!now || !same_data(*now, done->wanted)) {
    return Error(
               ErrorCode::module_failed,
               "the edit of '" + file.path + "' would not read back as asked; it is left as it is")
        .hint("write that part of the file by hand, in plain block style");
  }
  GS_TRY_VOID(finish_edit(plan, args, view, file, document->text(), ""));
  plan.set("msg", Value(done->message));
  for (const std::string& warning : document->warnings()) add_warning(plan.result, warning);
  GS_TRY_VOID(add_present_path_info(plan, view));
  return plan;
}

}  // namespace gpustack::modules

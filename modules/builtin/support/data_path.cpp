#include "modules/builtin/support/data_path.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

Error bad(std::string_view text, const std::string& what) {
  return Error(ErrorCode::invalid_argument, "key '" + std::string(text) + "': " + what)
      .hint("keys are joined by dots, items are numbers in brackets: a.b[0].\"c.d\"");
}

class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text) {}

  Result<DataPath> read() {
    DataPath path;
    while (at_ < text_.size()) {
      if (!path.empty() && path.back().kind == PathStep::Kind::item)
        return bad(text_, "'[]' may stand at the end only");
      PathStep step;
      if (text_[at_] == '[') {
        GS_TRY(step, bracket());
      } else {
        if (!path.empty() && text_[at_++] != '.') return bad(text_, "expected '.' or '['");
        GS_TRY(step.key, name());
      }
      path.push_back(std::move(step));
    }
    return path;
  }

 private:
  [[nodiscard]] bool quoted() const {
    return at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'');
  }

  Result<std::string> quoted_name() {
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return bad(text_, "a quote is not closed");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }

  Result<std::string> name() {
    if (quoted()) return quoted_name();
    const std::size_t end = std::min(text_.find_first_of(".[", at_), text_.size());
    if (end == at_) return bad(text_, "a name is empty");
    std::string out(text_.substr(at_, end - at_));
    at_ = end;
    return out;
  }

  Result<PathStep> bracket() {
    PathStep step;
    ++at_;
    if (quoted()) {
      GS_TRY(step.key, quoted_name());
    } else {
      const std::size_t end = std::min(text_.find(']', at_), text_.size());
      const std::string_view number = text_.substr(at_, end - at_);
      const auto index = parse_integer(number);
      if (!number.empty() && !index)
        return bad(text_, "'" + std::string(number) + "' is no number of an item");
      step.kind = number.empty() ? PathStep::Kind::item : PathStep::Kind::index;
      step.index = index.value_or(0);
      at_ = end;
    }
    if (at_ >= text_.size() || text_[at_] != ']') return bad(text_, "a bracket is not closed");
    ++at_;
    return step;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::size_t item_place(const PathStep& step, std::size_t size) {
  const std::int64_t count = static_cast<std::int64_t>(size);
  const std::int64_t place = step.index < 0 ? step.index + count : step.index;
  return place < 0 ? size : static_cast<std::size_t>(place);
}

}  // namespace

Result<DataPath> parse_data_path(std::string_view text) { return PathReader(text).read(); }

std::string path_text(const DataPath& path, std::size_t steps) {
  std::string out;
  for (std::size_t i = 0; i < steps; ++i) {
    const PathStep& step = path[i];
    if (step.kind != PathStep::Kind::key) {
      out += step.kind == PathStep::Kind::item ? "[]" : "[" + std::to_string(step.index) + "]";
      continue;
    }
    if (!out.empty()) out += '.';
    const bool quotes = step.key.empty() || step.key.find_first_of(".[\"'") != std::string::npos;
    out += quotes ? "\"" + step.key + "\"" : step.key;
  }
  return out.empty() ? "the document" : "'" + out + "'";
}

const Value* member(const Value& map, std::string_view key) {
  if (const Value* found = map.find(key)) return found;
  for (const auto& [name, value] : map.as_map()) {
    if (!name.is_string() && to_text(name) == key) return &value;
  }
  return nullptr;
}

bool same_data(const Value& left, const Value& right) {
  if (left.is_map() && right.is_map()) {
    if (left.size() != right.size()) return false;
    return std::ranges::all_of(left.as_map(), [&](const Map::Entry& entry) {
      const Value* other = member(right, to_text(entry.key));
      return other != nullptr && same_data(entry.value, *other);
    });
  }
  if (left.is_list() && right.is_list())
    return std::ranges::equal(left.as_list(), right.as_list(), same_data);
  if (left.is_undefined() || right.is_undefined())
    return left.is_undefined() && right.is_undefined();
  if (left.is_bool() != right.is_bool()) return false;
  return left == right;
}

Result<std::size_t> list_place(const PathStep& step, std::size_t size, const std::string& shown) {
  const std::int64_t count = static_cast<std::int64_t>(size);
  if (step.index <= count && step.index >= -count) return item_place(step, size);
  return Error(ErrorCode::module_failed,
               shown + " has " + std::to_string(size) + " items, so there is no place for one at " +
                   std::to_string(step.index));
}

Result<const Value*> look_up(const Value& root, const DataPath& path, std::size_t steps) {
  const Value* at = &root;
  for (std::size_t i = 0; i < steps; ++i) {
    const bool by_key = path[i].kind == PathStep::Kind::key;
    if (at->is_null()) return static_cast<const Value*>(nullptr);
    if (by_key ? !at->is_map() : !at->is_list()) {
      const std::string kind =
          at->is_undefined() ? at->undefined_text() : std::string(type_name(*at));
      return Error(ErrorCode::module_failed,
                   path_text(path, i) + " is no " + (by_key ? "map" : "list") + " (" + kind +
                       "), so nothing can be found in it");
    }
    const Value* next = nullptr;
    if (by_key) {
      next = member(*at, path[i].key);
    } else {
      const std::size_t place = item_place(path[i], at->size());
      if (place < at->size()) next = &at->as_list()[place];
    }
    if (next == nullptr) return next;
    at = next;
  }
  return at;
}

Value with_value(const Value& root, const DataPath& path, std::size_t from, const Value& value) {
  if (from == path.size()) return value;
  const PathStep& step = path[from];
  Value out = root;
  if (step.kind == PathStep::Kind::key) {
    if (!out.is_map()) out = Value(Map());
    for (auto& [name, old] : out.mutable_map()) {
      if (to_text(name) != step.key) continue;
      old = with_value(old, path, from + 1, value);
      return out;
    }
    out.set(step.key, with_value(Value(), path, from + 1, value));
    return out;
  }
  if (!out.is_list()) out = Value(List());
  const std::size_t place = item_place(step, out.size());
  if (place >= out.size()) {
    out.push_back(with_value(Value(), path, from + 1, value));
  } else {
    Value& old = out.mutable_list()[place];
    old = with_value(old, path, from + 1, value);
  }
  return out;
}

Value without(const Value& root, const DataPath& path, std::size_t from) {
  const PathStep& step = path[from];
  const bool last = from + 1 == path.size();
  Value out = root;
  if (step.kind != PathStep::Kind::key) {
    List& items = out.mutable_list();
    const std::size_t place = item_place(step, items.size());
    if (last) {
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(place));
    } else {
      items[place] = without(items[place], path, from + 1);
    }
    return out;
  }
  Map rest;
  for (const auto& [name, value] : root.as_map()) {
    const bool here = to_text(name) == step.key;
    if (!here) rest.set(name, value);
    if (here && !last) rest.set(name, without(value, path, from + 1));
  }
  return Value(std::move(rest));
}

}  // namespace gpustack::modules

#include "core/play/tags.hpp"

#include "core/play/keywords.hpp"

#include <algorithm>

namespace gpustack::play {

namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

bool overlap(const TagSet& one, const TagSet& other) {
  return std::any_of(
      one.begin(), one.end(), [&](const std::string& tag) { return other.contains(tag); });
}

bool chosen(const TagSet& tags, bool tagged, const TagSet& only) {
  if (tags.contains("always")) return true;
  const bool never = tags.contains("never");
  if ((only.empty() || only.contains("all")) && !never) return true;
  if (overlap(tags, only)) return true;
  return only.contains("tagged") && tagged && !never;
}

bool skipped(const TagSet& tags, bool tagged, const TagSet& skip) {
  if (skip.contains("all")) return !tags.contains("always") || skip.contains("always");
  if (overlap(tags, skip)) return true;
  return skip.contains("tagged") && tagged;
}

}  // namespace

TagSet parse_tags(const std::vector<std::string>& options) {
  TagSet out;
  for (const std::string& option : options) {
    std::size_t start = 0;
    while (start <= option.size()) {
      const std::size_t comma = std::min(option.find(',', start), option.size());
      if (std::string tag = trimmed(std::string_view(option).substr(start, comma - start));
          !tag.empty()) {
        out.insert(std::move(tag));
      }
      start = comma + 1;
    }
  }
  return out;
}

std::vector<Value> written_tags(const Node& node) {
  std::vector<const Node*> path;
  for (const Node* each = &node; each != nullptr; each = inherited_from(*each))
    path.push_back(each);
  std::vector<Value> out;
  for (auto each = path.rbegin(); each != path.rend(); ++each) {
    out.insert(out.end(), (*each)->tags.begin(), (*each)->tags.end());
  }
  return out;
}

TagSet literal_tags(const Node& node) {
  TagSet out;
  for (const Value& tag : written_tags(node)) {
    if (!is_template(tag)) add_tags(out, tag);
  }
  return out;
}

void add_tags(TagSet& tags, const Value& rendered) {
  if (rendered.is_list()) {
    for (const Value& item : rendered.as_list()) tags.insert(to_text(item));
  } else if (!rendered.is_null()) {
    tags.insert(to_text(rendered));
  }
}

bool should_run(const TagSet& tags, const TagChoice& choice) {
  static const TagSet kUntagged{"untagged"};
  const TagSet& effective = tags.empty() ? kUntagged : tags;
  const bool tagged = effective != kUntagged;
  return chosen(effective, tagged, choice.only) && !skipped(effective, tagged, choice.skip);
}

}  // namespace gpustack::play

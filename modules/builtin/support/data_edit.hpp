#pragma once
/// @file What json_file and yaml_file share: their arguments, and the few edits of the text that
/// make one document out of another.

#include "modules/builtin/support/data_path.hpp"
#include "modules/sdk/module.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gpustack::modules {

/// A document as text in which single places can be changed; everything else stays byte for byte.
/// An edit names a path that is there (put: all of it but the last step).
class DocumentText {
 public:
  virtual ~DocumentText() = default;
  /// @error module_failed  with the line
  [[nodiscard]] virtual Result<Value> value() const = 0;
  /// Replaces what is at the path, or adds it to its map or list.
  virtual Result<void> put(const DataPath& path, const Value& value) = 0;
  virtual Result<void> remove(const DataPath& path) = 0;

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 protected:
  std::string text_;
  std::vector<std::string> warnings_;  ///< what an edit could not keep
};

inline constexpr ArgSpec kDataFileArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "dest",
     .doc = "The file to edit."},
    {.name = "key",
     .doc = "The place: names joined by dots, items as numbers in brackets, names with dots in "
            "quotes: `a.b[0].\"c.d\"`. `list[]` is the item that equals `value`. Without it the "
            "whole document."},
    {.name = "value",
     .type = ArgType::raw,
     .doc = "What shall be there; as it is written, so `5` is a number and `\"5\"` a text."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent,merged",
     .doc = "present: the value is there as given. merged: maps are merged key by key, and other "
            "keys stay. absent: the place is not there; an item by its number goes at each run, so "
            "name it by its value: `list[]`."},
    {.name = "list_merge",
     .fallback = "replace",
     .choices = "append,replace",
     .doc = "For `merged`: whether a list takes the old one's place, or its items join it."},
    {.name = "indent",
     .type = ArgType::integer,
     .fallback = "2",
     .doc = "Blanks of one level where the file does not show it yet."},
    {.name = "create",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Make the file, and its folders, when absent."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Write to what a link points to; otherwise the link is replaced."},
    {.name = "validate",
     .doc = "A command that must accept the new file, `%s` in it, before it takes the old one's "
            "place."},
};
inline constexpr ArgRule kDataFileRules[] = {
    {.kind = ArgRule::Kind::required_if, .names = "key", .when = "state", .equals = "absent"},
    {.kind = ArgRule::Kind::required_if, .names = "value", .when = "state", .equals = "merged"},
};
inline constexpr ResultKey kDataFileResults[] = {
    {"path", "The file."},
    {"msg", "What was done: value added, value changed, value removed, or OK."},
    {"previous", "What was at the place before; absent when there was nothing."},
    {"backup_file", "Path of the copy, when one was made."},
    {"warnings", "Comments that the edit could not keep."},
};

/// The plan of both modules. @param make  the document of a text
Result<Plan> plan_data_edit(
    const Args& args,
    const SystemView& view,
    const std::function<std::unique_ptr<DocumentText>(std::string text, int indent)>& make);

}  // namespace gpustack::modules

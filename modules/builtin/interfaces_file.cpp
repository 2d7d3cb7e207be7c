#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "dest",
     .type = ArgType::path,
     .fallback = "/etc/network/interfaces",
     .doc = "The file to edit."},
    {.name = "iface", .doc = "Name of the interface."},
    {.name = "address_family",
     .doc = "Only the interface's lines of this family: inet, inet6. Without it those of all."},
    {.name = "option",
     .doc = "Name of the option; `method` is the word at the end of the `iface` line. Without it "
            "the file is only read."},
    {.name = "value",
     .doc = "The option's value. Of the options pre-up, up, down and post-up there may be several; "
            "others are replaced."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the option shall be there."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_by, .names = "iface", .when = "option"},
};
constexpr Example kExamples[] = {
    {.title = "Jumbo frames on the storage network",
     .yaml = "interfaces_file:\n  iface: eth1\n  option: mtu\n  value: \"9000\"\n  backup: true"},
    {.title = "One more command when the interface comes up",
     .yaml = "interfaces_file:\n  iface: eth1\n  address_family: inet\n  option: post-up\n  value: "
             "ethtool -G eth1 rx 4096"},
};
constexpr ResultKey kResults[] = {
    {"dest", "The file."},
    {"ifaces", "The interfaces of the file with their options."},
    {"backup_file", "The copy of the old file."},
};

constexpr std::string_view kHooks[] = {"pre-up", "up", "down", "post-up"};

bool is_hook(std::string_view option) {
  return std::ranges::find(kHooks, option) != std::end(kHooks);
}

struct Line {
  std::string text;
  bool is_head = false;    ///< the `iface` line
  bool is_option = false;  ///< of an interface
  std::string iface;
  std::string family;
  std::string option;  ///< of a head: the method
  std::string value;
};

class InterfacesFile {
 public:
  static Result<InterfacesFile> read(std::string_view text) {
    InterfacesFile file;
    Line above;
    bool in_iface = false;
    bool begun = false;
    for (std::string& one : lines_with_ends(replace_all(text, "\r\n", "\n"))) {
      Line line;
      line.text = std::move(one);
      const auto words = split_words(line.text);
      if (!words.empty() && words[0][0] != '#') {
        if (words[0] == "iface") {
          if (words.size() < 2) return broken(file.lines_.size(), line.text, "names no interface");
          line.is_head = in_iface = begun = true;
          line.iface = words[1];
          if (words.size() > 2) line.family = words[2];
          if (words.size() > 3) line.option = words[3];
          above = line;
        } else if (begins_stanza(words[0])) {
          in_iface = false;
          begun = true;
        } else if (in_iface) {
          line.is_option = true;
          line.iface = above.iface;
          line.family = above.family;
          line.option = words[0];
          line.value = trim(trim(line.text).substr(words[0].size()));
        } else if (!begun) {
          return broken(file.lines_.size(), line.text, "stands above any interface");
        }
      }
      file.lines_.push_back(std::move(line));
    }
    return file;
  }

  /// @return whether anything changed. @error module_failed  no such interface
  Result<bool> set(const Args& args) {
    const std::string iface = args.text("iface");
    const std::string option = args.text("option");
    std::vector<std::size_t> own;      // the interface's lines
    std::vector<std::size_t> options;  // and those of them that are options
    std::vector<std::size_t> targets;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const Line& line = lines_[i];
      if ((!line.is_head && !line.is_option) || line.iface != iface) continue;
      if (args.has("address_family") && line.family != args.text("address_family")) continue;
      own.push_back(i);
      if (line.is_option) options.push_back(i);
      if (line.is_option && line.option == option) targets.push_back(i);
    }
    if (own.empty())
      return Error(ErrorCode::module_failed, "Error: interface " + iface + " not found");
    if (args.text("state") == "absent") return remove(args, targets);
    const std::string value = args.text("value");
    if (targets.empty() && option == "method") return set_method(iface, value);
    if (targets.empty()) return add_behind(own.back(), options.empty(), option, value);
    if (is_hook(option)) {
      const bool is_there = std::ranges::any_of(
          targets, [&](std::size_t target) { return lines_[target].value == value; });
      return is_there ? false : add_behind(targets.back(), false, option, value);
    }
    return change(lines_[targets.back()], value);
  }

  [[nodiscard]] std::string text() const {
    std::string out;
    for (const Line& line : lines_) out += line.text;
    return out;
  }

  [[nodiscard]] Value interfaces() const {
    Value out{Map()};
    for (const Line& line : lines_) {
      if (line.is_head) {
        Value iface{Map()};
        for (const std::string_view hook : kHooks) iface.set(hook, Value(List()));
        iface.set("address_family", line.family.empty() ? Value() : Value(line.family));
        iface.set("method", line.option.empty() ? Value() : Value(line.option));
        out.set(line.iface, std::move(iface));
      } else if (line.is_option) {
        Value iface = out.get(line.iface);
        Value value(line.value);
        if (is_hook(line.option)) {
          Value list = iface.get(line.option);
          list.push_back(std::move(value));
          value = std::move(list);
        }
        iface.set(line.option, std::move(value));
        out.set(line.iface, std::move(iface));
      }
    }
    return out;
  }

 private:
  static bool begins_stanza(std::string_view word) {
    return word == "mapping" || word == "source" || word == "source-dir" ||
           word == "source-directory" || word == "auto" || word.starts_with("allow-") ||
           word == "no-auto-down" || word == "no-scripts";
  }

  static Error broken(std::size_t line, const std::string& text, const char* what) {
    return Error(ErrorCode::module_failed,
                 "misplaced option in line " + std::to_string(line + 1) + ": '" +
                     std::string(trim(text)) + "' " + what);
  }

  Result<bool> remove(const Args& args, const std::vector<std::size_t>& targets) {
    const bool by_value = is_hook(args.text("option")) && args.has("value");
    bool changed = false;
    for (std::size_t i = targets.size(); i-- > 0;) {
      if (by_value && lines_[targets[i]].value != args.text("value")) continue;
      lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(targets[i]));
      changed = true;
    }
    return changed;
  }

  /// The method of all families changes, as in Ansible.
  bool set_method(const std::string& iface, const std::string& value) {
    bool changed = false;
    for (Line& line : lines_) {
      if (!line.is_head || line.iface != iface || line.option == value) continue;
      changed = true;
      const std::size_t end = trim_right(line.text).size();
      const std::size_t begin = end - line.option.size();
      if (!line.option.empty() && line.text.compare(begin, line.option.size(), line.option) == 0) {
        line.text.replace(begin, line.option.size(), value);
      } else {
        line.text.insert(end, " " + value);
      }
      line.option = value;
    }
    return changed;
  }

  bool add_behind(std::size_t place,
                  bool is_first,
                  const std::string& option,
                  const std::string& value) {
    Line line = lines_[place];
    std::string& above = lines_[place].text;
    if (!above.ends_with('\n')) above += '\n';
    const std::size_t begin = above.find_first_not_of(kWhiteSpace);
    const std::string_view behind = std::string_view(above).substr(trim_right(above).size());
    line.text = above.substr(0, begin) + (is_first ? "    " : "") + option + " " + value;
    line.text += behind;
    line.is_head = false;
    line.is_option = true;
    line.option = option;
    line.value = value;
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(place) + 1, std::move(line));
    return true;
  }

  static bool change(Line& line, const std::string& value) {
    if (line.value == value) return false;
    const std::size_t name = line.text.find(line.option);
    const std::size_t begin = line.text.find_first_not_of(kWhiteSpace, name + line.option.size());
    if (begin == std::string::npos) {
      line.text.insert(trim_right(line.text).size(), " " + value);
    } else {
      line.text.replace(begin, line.value.size(), value);
    }
    line.value = value;
    return true;
  }

  std::vector<Line> lines_;
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  const bool edits = args.has("option");
  if (edits && args.text("state") == "present" && !args.has("value")) {
    return Error(ErrorCode::missing_argument,
                 "Value must be set if option is defined and state is 'present'");
  }
  GS_TRY(const TextFile file, open_text(view, args.text("dest")));
  if (!file.exists())
    return Error(ErrorCode::module_failed, "the file '" + file.path + "' does not exist");
  GS_TRY(InterfacesFile interfaces, InterfacesFile::read(file.content));
  bool changed = false;
  if (edits) {
    GS_TRY(changed, interfaces.set(args));
  }
  Plan plan;
  GS_TRY_VOID(finish_edit(
      plan, args, view, file, changed ? interfaces.text() : file.content, "", Headers::path_only));
  plan.result.mutable_map().erase(std::string_view("msg"));
  plan.set("dest", file.path).set("ifaces", interfaces.interfaces());
  GS_TRY_VOID(add_present_path_info(plan, view));
  return plan;
}

}  // namespace

extern const ModuleSpec interfaces_file_module;
const ModuleSpec interfaces_file_module{
    .name = "interfaces_file",
    .collection = "community.general",
    .summary = "Options of interfaces in Debian's /etc/network/interfaces.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan,
    .apply = apply_with_path_info};

}  // namespace gpustack::modules

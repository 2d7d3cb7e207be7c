#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "key",
     .doc = "The program."},
    {.name = "capability",
     .required = true,
     .aliases = "cap",
     .doc = "The capability: with operator and flags (`cap_net_raw+ep`) for present, its name for "
            "absent."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the program shall have it."},
};
constexpr Example kExamples[] = {
    {.title = "Real-time scheduling without root",
     .yaml = "capabilities:\n  path: /usr/local/bin/sampler\n  capability: cap_sys_nice+ep"},
};
constexpr ResultKey kResults[] = {
    {"msg", "`capabilities changed`, where they did."},
    {"state", "The state asked for."},
    {"stdout", "What setcap said."},
};

struct Capability {
  std::string name;
  char operation = '\0';  ///< `=`, `+` or `-`; none in a bare name
  std::string flags;      ///< sorted

  [[nodiscard]] std::string text() const { return name + operation + flags; }
};

Capability parse_capability(std::string_view text) {
  Capability out;
  const std::size_t place = text.find_first_of("=+-");
  out.name = text.substr(0, place);
  if (place == std::string_view::npos) return out;
  out.operation = text[place];
  out.flags = text.substr(place + 1);
  std::ranges::sort(out.flags);
  return out;
}

/// What getcap says behind the path: `cap_a,cap_b=ep cap_c+i`, in older versions after ` = `.
std::vector<Capability> parse_listing(std::string_view text) {
  std::vector<Capability> out;
  for (const std::string& word : split_words(text)) {
    if (word == "=") continue;
    auto names = split(lower(word), ',');
    const Capability last = parse_capability(names.back());
    names.back() = last.name;
    for (const std::string& name : names)
      out.push_back(Capability{name, last.operation, last.flags});
  }
  return out;
}

// On a file, adding flags to none and setting them comes to the same.
bool is_same(const Capability& left, const Capability& right) {
  const bool same_way = (left.operation == '-') == (right.operation == '-');
  return left.name == right.name && left.flags == right.flags && same_way;
}

Result<std::vector<Capability>> current(const SystemView& view, const std::string& path) {
  GS_TRY(const CommandResult shown, view.query(parsable_command({"getcap", "-v", path})));
  std::string_view text = trim(shown.output);
  if (shown.status != 0 || !shown.errors.empty() || !text.starts_with(path)) {
    return Error(ErrorCode::module_failed,
                 "Unable to get capabilities of " + path + ": " +
                     std::string(trim(shown.errors.empty() ? shown.output : shown.errors)));
  }
  text.remove_prefix(path.size());
  return parse_listing(text);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string path(trim(args.text("path")));
  const bool present = args.text("state") == "present";
  const Capability wanted = parse_capability(lower(trim(args.text("capability"))));
  if (present && wanted.operation == '\0') {
    return Error(ErrorCode::invalid_argument,
                 "capability is '" + args.text("capability") +
                     "', expected an operator and flags behind the name, as in cap_net_raw+ep");
  }
  GS_TRY_VOID(required_program(view, "getcap"));
  GS_TRY_VOID(required_program(view, "setcap"));
  GS_TRY(std::vector<Capability> caps, current(view, path));
  Plan plan;
  plan.set("state", args.text("state"));
  const bool is_there = std::ranges::any_of(caps, [&](const Capability& one) {
    return present ? is_same(one, wanted) : one.name == wanted.name;
  });
  if (is_there == present) return plan;
  std::erase_if(caps, [&](const Capability& one) { return one.name == wanted.name; });
  if (present) caps.push_back(wanted);
  std::string text;
  for (const Capability& one : caps) text += (text.empty() ? "" : " ") + one.text();
  Command set = parsable_command(caps.empty() ? std::vector<std::string>{"setcap", "-r", path}
                                              : std::vector<std::string>{"setcap", text, path});
  plan.changed = true;
  plan.step(RunCommand{std::move(set), "Unable to set capabilities of " + path});
  plan.set("msg", "capabilities changed").set("stdout", "");
  return plan;
}

}  // namespace

extern const ModuleSpec capabilities_module;
const ModuleSpec capabilities_module{.name = "capabilities",
                                     .collection = "community.general",
                                     .summary = "Capabilities of a program's file.",
                                     .args = kArgs,
                                     .examples = kExamples,
                                     .results = kResults,
                                     .queries = "getcap -v",
                                     .plan = plan};

}  // namespace gpustack::modules

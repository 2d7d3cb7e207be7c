#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .type = ArgType::list,
     .elements = ArgType::string,
     .required = true,
     .doc = "Locales with their encoding, such as `de_DE.UTF-8`."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether they are to be there."},
};
constexpr Example kExamples[] = {
    {.title = "For English messages", .yaml = "locale_gen:\n  name: en_US.UTF-8"},
};
constexpr ResultKey kResults[] = {{"name", "The locales."}};
constexpr const char* kFile = "/etc/locale.gen";

// `locale -a` writes de_DE.utf8 for de_DE.UTF-8.
std::string normal(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::string(name);
  std::string encoding;
  for (const char c : lower(name.substr(dot + 1))) {
    if (c != '-') encoding += c;
  }
  return std::string(name.substr(0, dot)) + "." + encoding;
}

struct Line {
  bool enabled = false;
  std::string locale;
  std::string charset;
};

// `# de_DE.UTF-8 UTF-8`
std::optional<Line> parse_line(std::string_view text) {
  Line out;
  out.enabled = !text.starts_with('#');
  const auto words = split_words(trim_left(text, "# \t"));
  if (words.size() != 2) return std::nullopt;
  out.locale = words[0];
  out.charset = words[1];
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const auto names = args.texts("name");
  const bool wanted = args.text("state") == "present";
  GS_TRY(const auto info, view.stat(kFile));
  if (!info) {
    return Error(ErrorCode::module_failed,
                 std::string(kFile) + " is missing. Is the package \"locales\" installed?");
  }
  GS_TRY_VOID(required_program(view, "locale-gen"));
  GS_TRY(const std::string before, view.read(kFile));
  GS_TRY(const CommandResult listed, view.query(parsable_command({"locale", "-a"})));
  std::vector<std::string> there;
  for (const std::string& line : split_lines(listed.output)) there.push_back(normal(line));
  const auto is_there = [&](const std::string& name) {
    return std::ranges::find(there, normal(name)) != there.end();
  };

  std::string after;
  std::vector<std::string> known;
  for (const std::string& text : split_lines(before)) {
    const auto line = parse_line(text);
    const bool ours = line && std::ranges::find(names, line->locale) != names.end();
    if (ours) known.push_back(line->locale);
    after += ours && line->enabled != wanted
                 ? (wanted ? "" : "# ") + line->locale + " " + line->charset + "\n"
                 : text + "\n";
  }
  Plan plan = Plan::none(Value::map({{"name", args.get("name")}}));
  std::vector<std::string> unknown;
  bool differs = false;
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) == known.end() && !is_there(name)) unknown.push_back(name);
    differs = differs || is_there(name) != wanted;
  }
  if (!unknown.empty() && wanted) {
    return Error(
        ErrorCode::module_failed,
        "The locales you've entered are not available on your system: " + join(unknown, ", "));
  }
  if (!differs) return plan;
  plan.changed = true;
  if (after != before) {
    plan.step(WriteFile{kFile, Content::of(after), WriteOptions{}});
    plan.diff(before, after, kFile, kFile);
  }
  plan.step(RunCommand{parsable_command({"locale-gen"}), "'locale-gen' failed"});
  return plan;
}

}  // namespace

extern const ModuleSpec locale_gen_module;
const ModuleSpec locale_gen_module{.name = "locale_gen",
                                   .collection = "community.general",
                                   .summary = "Generate locales.",
                                   .args = kArgs,
                                   .examples = kExamples,
                                   .results = kResults,
                                   .queries = "locale -a",
                                   .has_diff = true,
                                   .plan = plan};

}  // namespace gpustack::modules

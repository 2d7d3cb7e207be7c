#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "database",
     .required = true,
     .doc = "`passwd`, `group`, `hosts`, `services` or another one that getent(1) knows."},
    {.name = "key", .doc = "One entry; all when absent."},
    {.name = "service", .doc = "The source to ask instead of those in nsswitch.conf."},
    {.name = "split",
     .doc =
         "What separates the fields: `:` for passwd, shadow, group and gshadow, else white space."},
    {.name = "fail_key",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether a key that is not there fails the task."},
};
constexpr Example kExamples[] = {
    {.title = "The number of the render group",
     .yaml = "getent:\n  database: group\n  key: render\n  fail_key: false"},
};
constexpr ResultKey kResults[] = {
    {"ansible_facts",
     "`getent_<database>`: key -> list of the other fields; null for a key that is not there."},
    {"msg", "What is wrong with the key."},
};

constexpr std::string_view kColonFiles[] = {"passwd", "shadow", "group", "gshadow"};
constexpr std::string_view kMissingKey =
    "One or more supplied key could not be found in the database.";

std::vector<std::string> fields_of(const std::string& line,
                                   const std::optional<std::string>& separator) {
  if (!separator) return split_words(line);
  std::vector<std::string> out;
  std::string_view rest = line;
  while (true) {
    const std::size_t at = rest.find(*separator);
    out.emplace_back(rest.substr(0, at));
    if (at == std::string_view::npos) return out;
    rest.remove_prefix(at + separator->size());
  }
}

Value parse_entries(std::string_view text, const std::optional<std::string>& separator) {
  Value out{Map()};
  Value counts{Map()};
  for (const std::string& line : split_lines(text)) {
    auto fields = fields_of(line, separator);
    if (fields.empty()) continue;
    const std::string key = fields[0];
    List rest;
    for (std::size_t i = 1; i < fields.size(); ++i) rest.push_back(Value(fields[i]));
    const std::int64_t seen = counts.find(key) == nullptr ? 0 : counts.get(key).as_integer();
    counts.set(key, seen + 1);
    if (seen == 0) {
      out.set(key, Value(std::move(rest)));
      continue;
    }
    // Several entries of one key become a list of lists.
    Value list = seen == 1 ? Value(List{out.get(key)}) : out.get(key);
    list.push_back(Value(std::move(rest)));
    out.set(key, std::move(list));
  }
  return out;
}

// Without getent(1): the file of the same name, comments left out.
Result<std::string> read_database(const SystemView& view,
                                  const std::string& database,
                                  const Args& args,
                                  const std::optional<std::string>& separator,
                                  bool& missing) {
  const std::string path = "/etc/" + database;
  GS_TRY(const auto info, view.stat(path));
  if (!info) return Error(ErrorCode::module_failed, "Missing arguments, or database unknown.");
  GS_TRY(const std::string text, view.read(path));
  std::string out;
  for (const std::string& line : split_lines(text)) {
    if (trim(line).empty() || trim(line).starts_with('#')) continue;
    const auto fields = fields_of(line, separator);
    const bool wanted =
        !args.has("key") || fields[0] == args.text("key") ||
        (fields.size() > 2 && fields[2] == args.text("key") && separator.has_value());
    if (wanted) out += line + "\n";
  }
  missing = args.has("key") && out.empty();
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string database = args.text("database");
  std::optional<std::string> separator;
  if (args.has("split") && !args.text("split").empty()) {
    separator = args.text("split");
  } else if (std::ranges::find(kColonFiles, database) != std::end(kColonFiles)) {
    separator = ":";
  }
  std::string text;
  bool missing = false;
  if (view.find_program("getent").empty()) {
    GS_TRY(text, read_database(view, database, args, separator, missing));
  } else {
    Command command = parsable_command({"getent", database});
    if (args.has("key")) command.argv.push_back(args.text("key"));
    if (args.has("service")) command.argv.insert(command.argv.end(), {"-s", args.text("service")});
    GS_TRY(const CommandResult done, view.query(command));
    constexpr std::array<std::string_view, 4> kMeanings{
        "",
        "Missing arguments, or database unknown.",
        kMissingKey,
        "Enumeration not supported on this database."};
    missing = done.status == 2;
    if (done.status != 0 && !missing) {
      const bool known = done.status > 0 && done.status < 4;
      return Error(ErrorCode::module_failed,
                   std::string(known ? kMeanings.at(static_cast<std::size_t>(done.status))
                                     : "Unexpected failure!"));
    }
    text = done.output;
  }
  Value entries{Map()};
  Plan plan = Plan::none();
  if (missing) {
    if (args.boolean("fail_key", true))
      return Error(ErrorCode::module_failed, std::string(kMissingKey));
    entries.set(args.text("key"), Value());
    plan.set("msg", kMissingKey);
  } else {
    entries = parse_entries(text, separator);
  }
  plan.set("ansible_facts", Value::map({{"getent_" + database, std::move(entries)}}));
  return plan;
}

}  // namespace

extern const ModuleSpec getent_module;
const ModuleSpec getent_module{
    .name = "getent",
    .summary = "Read users, groups, hosts or services of the host as facts.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries = "getent",
    .plan = plan};

}  // namespace gpustack::modules

#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "name",
     .doc = "The file."},
    {.name = "namespace", .fallback = "user", .doc = "What stands in front of the key."},
    {.name = "key", .doc = "Name of the attribute."},
    {.name = "value", .doc = "Its value; makes the state `present`."},
    {.name = "state",
     .fallback = "read",
     .choices = "absent,all,keys,present,read",
     .doc = "`read` tells the value, `keys` all names, `all` both; `present` and `absent` change."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Act on what a link points to, not on the link."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_if, .names = "key", .when = "state", .equals = "absent"},
    {.kind = ArgRule::Kind::required_if,
     .names = "key,value",
     .when = "state",
     .equals = "present"},
    {.kind = ArgRule::Kind::required_by, .names = "key", .when = "value"},
};
constexpr Example kExamples[] = {
    {.title = "Where a model came from",
     .yaml = "xattr:\n  path: /srv/models/llm.bin\n  key: origin\n  value: s3://models/llm.bin"},
};
constexpr ResultKey kResults[] = {
    {"xattr", "Attributes by name, as they were before."},
    {"msg", "What was done."},
};

/// Text as getfattr quotes it: `\"`, `\\` and octal numbers.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    const auto code = parse_octal(text.substr(i + 1, 3));
    if (code && text.size() - i > 3) {
      out += static_cast<char>(*code);
      i += 3;
    } else {
      out += text[++i];
    }
  }
  return out;
}

/// Text as setfattr takes it, whatever is in it. What is written in hexadecimal or base64 stays.
std::string quoted(const std::string& value) {
  if (value.find_first_of("\"\\") == std::string::npos) return value;
  return "\"" + replace_all(replace_all(value, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

Value parse_attributes(std::string_view text) {
  Value out{Map()};
  for (const std::string& line : split_lines(text)) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t equals = line.find('=');
    out.set(line.substr(0, equals),
            equals == std::string::npos ? "" : unquoted(line.substr(equals + 1)));
  }
  return out;
}

Command attribute_command(const Args& args, const char* program, std::vector<std::string> words) {
  std::vector<std::string> argv{program};
  if (std::string_view(program) == "getfattr") argv.emplace_back("--absolute-names");
  if (!args.boolean("follow")) argv.emplace_back("-h");
  argv.insert(argv.end(), words.begin(), words.end());
  argv.push_back(args.text("path"));
  return parsable_command(std::move(argv));
}

/// Attributes that match; a key that is not there is no fault.
Result<Value> read_attributes(const Args& args,
                              const SystemView& view,
                              std::vector<std::string> words) {
  GS_TRY(const CommandResult shown,
         view.query(attribute_command(args, "getfattr", std::move(words))));
  return parse_attributes(shown.output);
}

std::string full_key(const Args& args) {
  std::string key = args.text("key");
  const std::string space = args.text("namespace");
  if (key.empty() || space.empty() || (space == "user" && key.starts_with("user."))) return key;
  return space + "." + key;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const bool exists, path_exists(view, args.text("path")));
  if (!exists) return Error(ErrorCode::module_failed, "path not found or not accessible!");
  GS_TRY_VOID(required_program(view, "getfattr"));
  const std::string key = full_key(args);
  const std::string state = args.has("value") ? "present" : args.text("state");
  Plan plan;
  if (state == "keys" || state == "all" || key.empty()) {
    const bool only_names = state == "keys";
    GS_TRY(
        Value found,
        read_attributes(
            args, view, only_names ? std::vector<std::string>() : std::vector<std::string>{"-d"}));
    plan.set("msg", only_names ? "returning all keys" : "dumping all");
    plan.set("xattr", std::move(found));
    return plan;
  }
  GS_TRY(const Value found, read_attributes(args, view, {"-n", key}));
  plan.set("xattr", found).set("msg", "returning " + key);
  if (state == "read") return plan;
  GS_TRY_VOID(required_program(view, "setfattr"));
  const Value* old = found.find(key);
  if (state == "absent") {
    plan.set("msg", key + " removed");
    if (old == nullptr) return plan;
    plan.step(RunCommand{attribute_command(args, "setfattr", {"-x", key}), ""});
  } else {
    const std::string value = args.text("value");
    plan.set("msg", key + " set to " + value);
    if (old != nullptr && to_text(*old) == value) return plan;
    plan.step(
        RunCommand{attribute_command(args, "setfattr", {"-n", key, "-v", quoted(value)}), ""});
  }
  plan.changed = true;
  return plan;
}

}  // namespace

extern const ModuleSpec xattr_module;
const ModuleSpec xattr_module{.name = "xattr",
                              .collection = "community.general",
                              .summary = "Extended attributes of a file.",
                              .args = kArgs,
                              .rules = kRules,
                              .examples = kExamples,
                              .results = kResults,
                              .queries = "getfattr --absolute-names",
                              .plan = plan};

}  // namespace gpustack::modules

#include "modules/sdk/mode.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .required = true,
     .doc = "Name of the repository, also of its file in sources.list.d."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether it is to be there."},
    {.name = "types",
     .type = ArgType::list,
     .elements = ArgType::string,
     .fallback = "deb",
     .choices = "deb,deb-src",
     .doc = "Binary packages, sources, or both."},
    {.name = "uris",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Base addresses of the archive."},
    {.name = "suites",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Suites, or a path that ends with `/`."},
    {.name = "components",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Components of the suites."},
    {.name = "architectures",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Architectures to look for."},
    {.name = "signed_by",
     .doc = "Path of a keyring on the host, fingerprints, or an armoured key block; addresses are "
            "refused (use get_url first)."},
    {.name = "languages",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Languages of descriptions."},
    {.name = "targets",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Download targets."},
    {.name = "enabled", .type = ArgType::boolean, .doc = "Whether apt uses it."},
    {.name = "trusted",
     .type = ArgType::boolean,
     .doc = "Whether packages need no checked signature."},
    {.name = "allow_insecure",
     .type = ArgType::boolean,
     .doc = "Whether an unsigned repository will do."},
    {.name = "allow_weak", .type = ArgType::boolean, .doc = "Whether a weak digest will do."},
    {.name = "allow_downgrade_to_insecure",
     .type = ArgType::boolean,
     .doc = "Whether it may lose its signature."},
    {.name = "by_hash",
     .type = ArgType::boolean,
     .doc = "Whether indexes are fetched by their hash."},
    {.name = "pdiffs", .type = ArgType::boolean, .doc = "Whether indexes are updated by patches."},
    {.name = "check_date", .type = ArgType::boolean, .doc = "Whether dates are checked."},
    {.name = "check_valid_until",
     .type = ArgType::boolean,
     .doc = "Whether old release files are refused."},
    {.name = "date_max_future",
     .type = ArgType::integer,
     .doc = "Seconds a release file may be from the future."},
    {.name = "inrelease_path", .doc = "Path of the InRelease file, from its usual place."},
    {.name = "mode", .type = ArgType::mode, .fallback = "0644", .doc = "Mode of the file."},
};
constexpr Example kExamples[] = {
    {.title = "The CUDA repository of an aarch64 server",
     .yaml = "deb822_repository:\n  name: cuda\n  uris: "
             "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2404/sbsa/\n  suites: "
             "/\n  signed_by: /usr/share/keyrings/cuda-archive-keyring.gpg"},
    {.title = "Gone", .yaml = "deb822_repository:\n  name: cuda\n  state: absent"},
};
constexpr ResultKey kResults[] = {
    {"repo", "The stanza."},
    {"dest", "Its file."},
    {"key_filename", "The keyring on the host, when `signed_by` names one."},
};
constexpr std::string_view kKeyrings = "/etc/apt/keyrings/";

std::string slug_of(std::string_view name) {
  std::string out;
  for (const char c : lower(name)) {
    const bool gap = c == '_' || kWhiteSpace.find(c) != std::string_view::npos;
    if (gap && !out.ends_with('-')) out += '-';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') out += c;
  }
  return out;
}

std::string field_name(std::string_view key) {
  if (key == "name") return "X-Repolib-Name";
  if (key == "uris") return "URIs";
  std::string out;
  bool starts_word = true;
  for (const char c : key) {
    out += c == '_' ? std::string("-") : starts_word ? upper(std::string(1, c)) : std::string(1, c);
    starts_word = c == '_';
  }
  return out;
}

// A key block: each line indented, an empty one as a dot.
std::string block(std::string_view text) {
  std::string out;
  for (const std::string& line : split_lines(trim(text))) {
    const std::string_view inside = trim(line);
    out += "\n    " + (inside.empty() ? std::string(".") : std::string(inside));
  }
  return out;
}

std::string field_value(const Value& value) {
  if (value.is_bool()) return value.as_bool() ? " yes" : " no";
  if (value.is_list()) {
    std::string out;
    for (const Value& item : value.as_list()) out += " " + to_text(item);
    return out;
  }
  const std::string text = to_text(value);
  return text.find('\n') == std::string::npos ? " " + text : block(text);
}

/// The stanza, fields in the order the user wrote them.
std::string stanza(const Args& args) {
  std::string out;
  for (const auto& [key, value] : args.values().as_map()) {
    const std::string& name = key.as_string();
    if (value.is_null() || name == "state" || name == "mode") continue;
    out += field_name(name) + ":" + field_value(value) + "\n";
  }
  return out;
}

Result<Plan> plan_absent(const std::string& slug, const std::string& path, const SystemView& view) {
  Plan plan =
      Plan::none(Value::map({{"repo", Value()}, {"dest", path}, {"key_filename", Value()}}));
  for (const std::string& file :
       {path, std::string(kKeyrings) + slug + ".asc", std::string(kKeyrings) + slug + ".gpg"}) {
    GS_TRY(const auto info, view.lstat(file));
    if (!info) continue;
    const auto text =
        file == path ? view.read(file) : Result<std::string>(std::string("a keyring\n"));
    plan.changed = true;
    plan.step(RemoveFile{file});
    plan.diff(text ? *text : std::string(), "", file, "/dev/null");
    if (file != path) plan.set("key_filename", file);
  }
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string slug = slug_of(args.text("name"));
  if (slug.empty()) {
    return Error(ErrorCode::invalid_argument,
                 "expected a name with letters or digits, found '" + args.text("name") + "'");
  }
  const std::string path = "/etc/apt/sources.list.d/" + slug + ".sources";
  if (args.text("state") == "absent") return plan_absent(slug, path, view);
  const std::string key = args.text("signed_by");
  if (key.find("://") != std::string::npos) {
    return Error(ErrorCode::invalid_argument,
                 "expected a keyring on the host for signed_by, found the address '" + key + "'")
        .hint("fetch it first with get_url");
  }
  const std::string text = stanza(args);
  Plan plan = Plan::none(Value::map({{"repo", text}, {"dest", path}}));
  plan.set("key_filename", key.starts_with('/') ? Value(key) : Value());
  GS_TRY(const auto info, view.stat(path));
  std::string old;
  if (info) {
    GS_TRY(old, view.read(path));
  }
  GS_TRY(const std::uint32_t mode,
         resolve_mode(args.get("mode"), info ? info->mode : 0644, false, view.umask()));
  if (!info || old != text) {
    WriteOptions options;
    options.mode = mode;
    plan.changed = true;
    plan.step(WriteFile{path, Content::of(text), options});
    plan.diff(old, text, info ? path : "/dev/null", path);
  } else if (info->mode != mode) {
    plan.changed = true;
    plan.step(SetMode{path, mode});
    plan.diff(Value::map({{"mode", mode_text(info->mode)}}),
              Value::map({{"mode", mode_text(mode)}}),
              path,
              path);
  }
  return plan;
}

}  // namespace

extern const ModuleSpec deb822_repository_module;
const ModuleSpec deb822_repository_module{.name = "deb822_repository",
                                          .summary = "Add or remove a repository in deb822 format.",
                                          .args = kArgs,
                                          .examples = kExamples,
                                          .results = kResults,
                                          .has_diff = true,
                                          .plan = plan};

}  // namespace gpustack::modules

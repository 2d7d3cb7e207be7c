#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/http_arguments.hpp"
#include "modules/builtin/support/openpgp.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "id",
     .doc = "The key, by 8, 16 or (best) all 40 hexadecimal digits, `0x` in front allowed; needed "
            "to remove one and with `keyserver`."},
    {.name = "url", .doc = "Web address of the key."},
    {.name = "data", .doc = "The key itself, as armored text."},
    {.name = "file", .type = ArgType::path, .doc = "Path of the key on the host."},
    {.name = "keyring",
     .type = ArgType::path,
     .doc = "The keyring to change, such as /etc/apt/trusted.gpg.d/x.gpg; apt's own when absent."},
    {.name = "keyserver", .doc = "Server to ask for the key."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether apt is to trust the key."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Refuse an https server whose certificate is not trusted."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "data,file,keyserver,url"},
};

constexpr Example kExamples[] = {
    {.title = "A key from the web, in a keyring of its own",
     .yaml = "apt_key:\n  id: EB693B3035CD5710E231E123A4B469963BF863CC\n  url: "
             "https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/"
             "3bf863cc.pub\n  keyring: /etc/apt/trusted.gpg.d/cuda.gpg"},
    {.title = "Trusted no more",
     .yaml = "apt_key:\n  id: '0xEB693B3035CD5710E231E123A4B469963BF863CC'\n  state: absent"},
};

constexpr ResultKey kResults[] = {
    {"id", "The key as asked for, or as found in the file."},
    {"short_id", "Its last 8 digits."},
    {"fp", "Its last 16 digits."},
    {"key_id", "All digits known."},
    {"before", "Keys that were trusted: ids, the short ones when `id` is short."},
    {"after", "The same behind the change."},
};

constexpr std::string_view kDeprecation =
    "apt-key is deprecated and gone from newer systems: a key that apt trusts for everything is "
    "safer as signed_by of deb822_repository, or signed-by of a source line";
constexpr std::size_t kShort = 8;
constexpr std::size_t kLong = 16;

/// The key's id in the lengths that its parts are known by.
struct KeyId {
  std::string full;
  std::string fingerprint;  ///< at most the last 16 digits
  std::string short_id;
  [[nodiscard]] bool is_short() const { return full.size() == kShort; }
};

Result<KeyId> parse_id(const std::string& text) {
  std::string id = upper(trim(text));
  if (id.starts_with("0X")) id.erase(0, 2);
  const bool is_hex = !id.empty() && id.find_first_not_of("0123456789ABCDEF") == std::string::npos;
  if (!is_hex || (id.size() != kShort && id.size() < kLong)) {
    return Error(ErrorCode::invalid_argument, "Invalid key_id")
        .hint("expected 8, 16 or more hexadecimal digits, found '" + text + "'");
  }
  return KeyId{.full = id,
               .fingerprint = id.size() > kLong ? id.substr(id.size() - kLong) : id,
               .short_id = id.substr(id.size() - kShort)};
}

bool is_regular(const SystemView& view, const std::string& path) {
  const auto info = view.stat(path);
  return info && *info && (*info)->kind == FileKind::regular;
}

/// apt's keyrings, or the one asked for; those that are not there left out.
std::vector<std::string> keyrings(const Args& args, const SystemView& view) {
  std::vector<std::string> paths;
  if (args.has("keyring")) {
    paths = {args.text("keyring")};
  } else {
    paths = {"/etc/apt/trusted.gpg"};
    const std::string folder = "/etc/apt/trusted.gpg.d";
    if (const auto names = view.list(folder)) {
      for (const std::string& name : *names) {
        if (name.ends_with(".gpg") || name.ends_with(".asc"))
          paths.push_back(join_path(folder, name));
      }
    }
  }
  std::erase_if(paths, [&](const std::string& path) { return !is_regular(view, path); });
  return paths;
}

/// Ids of the keys that are trusted and have not expired.
Result<List> trusted_keys(const Args& args, const SystemView& view, bool is_short) {
  const std::int64_t now = std::chrono::system_clock::to_time_t(view.now());
  List ids;
  for (const std::string& path : keyrings(args, view)) {
    GS_TRY(const std::string bytes, view.read(path));
    const auto keys = parse_openpgp_keys(bytes);
    if (!keys) {
      // apt passes over a broken file of its folder; a keyring that is named has to be one.
      if (!args.has("keyring")) continue;
      return Error(keys.error()).while_doing("reading the keyring '" + path + "'");
    }
    for (const OpenPgpKey& key : *keys) {
      if (key.is_expired(now)) continue;
      const std::string id = key.id();
      ids.emplace_back(is_short ? id.substr(id.size() - kShort) : id);
    }
  }
  return ids;
}

bool holds(const List& ids, const KeyId& id) {
  const std::string& wanted = id.is_short() ? id.short_id : id.fingerprint;
  return std::ranges::any_of(ids, [&](const Value& one) { return to_text(one) == wanted; });
}

Result<std::string> load_key(const Args& args, const SystemView& view) {
  HttpQuery request;
  request.url = args.text("url");
  request.validate_certificates = args.boolean("validate_certs", true);
  GS_TRY(HttpResponse answer, view.http(request));
  if (answer.status == 200) return std::move(answer.body);
  return Error(ErrorCode::module_failed,
               "Failed to download key at " + request.url + ": HTTP Error " +
                   std::to_string(answer.status) + ": " + answer.reason);
}

/// The id of the first key in the task's file, text or address. What an address brought goes into
/// `loaded`: the key that is added shall be the one that was looked at.
Result<std::string> id_of_source(const Args& args, const SystemView& view, std::string& loaded) {
  if (args.has("keyserver"))
    return Error(ErrorCode::missing_argument, "Missing key_id, required with keyserver.");
  std::string bytes = args.text("data");
  if (args.has("url")) {
    GS_TRY(loaded, load_key(args, view));
    bytes = loaded;
  } else if (args.has("file")) {
    GS_TRY(bytes, view.read(args.text("file")));
  } else if (bytes.empty()) {
    return Error(ErrorCode::missing_argument,
                 args.text("state") == "absent" ? "Invalid key_id: state absent needs id"
                                                : "Invalid key_id: neither id nor a key is given");
  }
  const auto keys = parse_openpgp_keys(bytes);
  if (keys && !keys->empty()) return keys->front().id();
  const std::string source = args.has("file") ? args.text("file") : "inline data";
  return Error(ErrorCode::module_failed, "Unable to extract key from '" + source + "'")
      .hint("expected OpenPGP public keys, armored or binary");
}

Result<void> require_programs(const SystemView& view) {
  for (const char* name : {"apt-key", "gpg"}) {
    if (!view.find_program(name).empty()) continue;
    return Error(ErrorCode::module_failed,
                 "Failed to find required executable \"" + std::string(name) +
                     "\" in paths: " + view.environment("PATH"))
        .hint("use deb822_repository with signed_by, which needs no apt-key");
  }
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(require_programs(view));
  std::string text = args.text("id");
  std::string loaded;
  if (text.empty()) {
    GS_TRY(text, id_of_source(args, view, loaded));
  }
  GS_TRY(const KeyId id, parse_id(text));
  Plan plan = Plan::none();
  plan.set("id", text).set("short_id", id.short_id).set("fp", id.fingerprint);
  plan.set("key_id", id.full);
  GS_TRY(List before, trusted_keys(args, view, id.is_short()));
  const bool is_there = holds(before, id);
  plan.set("before", Value(std::move(before)));
  add_warning(plan.result, std::string(kDeprecation));
  plan.changed = is_there != (args.text("state") == "present");
  if (!plan.changed) return plan;
  const bool has_source =
      args.has("file") || args.has("keyserver") || args.has("data") || args.has("url");
  if (!is_there && !has_source) {
    return Error(ErrorCode::missing_argument,
                 "the key " + text + " is not trusted, and there is none to add")
        .hint("give one of data, file, keyserver and url");
  }
  plan.state = args.values();
  if (!loaded.empty()) plan.state.set("_loaded", std::move(loaded));
  return plan;
}

/// apt-key for the task's keyring.
Command apt_key(const Args& args, std::vector<std::string> words) {
  Command command = parsable_command({"apt-key"});
  if (args.has("keyring"))
    command.argv.insert(command.argv.end(), {"--keyring", args.text("keyring")});
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.must_finish = true;
  return command;
}

using Failure = std::optional<Outcome>;

Result<Failure> receive_key(const Args& args, System& system, const Value& result) {
  std::vector<std::string> words = {"adv", "--no-tty", "--keyserver", args.text("keyserver")};
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) {
    const std::string proxy = system.environment(name);
    if (proxy.empty()) continue;
    words.insert(words.end(), {"--keyserver-options", "http-proxy=" + proxy});
    break;
  }
  const std::string id = to_text(result.get("key_id"));
  words.insert(words.end(), {"--recv", id});
  constexpr int kTries = 5;
  CommandResult done;
  for (int i = 0; i < kTries; ++i) {
    GS_TRY(done, system.run(apt_key(args, words)));
    if (done.status == 0) return Failure();
  }
  const bool is_unknown = done.output.find("not found on keyserver") != std::string::npos;
  const std::string message =
      is_unknown ? "Key " + id + " not found on keyserver " + args.text("keyserver")
                 : "Error fetching key " + id + " from keyserver: " + args.text("keyserver");
  return Failure(failed_outcome(message, done, result));
}

Result<Failure> add_key(const Args& args, System& system, const Value& result) {
  if (args.has("keyserver")) return receive_key(args, system, result);
  const std::string file = args.text("file");
  Command command = apt_key(args, {"add", file.empty() ? "-" : file});
  command.input = args.text("data");
  if (args.has("_loaded")) {
    command.input = args.text("_loaded");
  } else if (args.has("url")) {
    GS_TRY(command.input, load_key(args, system));
  }
  GS_TRY(const CommandResult done, system.run(command));
  if (done.status == 0) return Failure();
  return Failure(failed_outcome(file.empty() ? "Unable to add a key from binary data"
                                             : "Unable to add a key from file " + file,
                                done,
                                result));
}

Result<Failure> remove_key(const Args& args, System& system, const Value& result) {
  // Older programs take nothing but the short id here.
  const std::string id = to_text(result.get("short_id"));
  GS_TRY(const CommandResult done, system.run(apt_key(args, {"del", id})));
  if (done.status == 0) return Failure();
  return Failure(failed_outcome("Unable to remove a key with id " + id, done, result));
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  const Args args(plan.state);
  const bool adds = args.text("state") == "present";
  Outcome outcome{.changed = true, .failed = false, .result = plan.result};
  GS_TRY(auto failed,
         adds ? add_key(args, system, plan.result) : remove_key(args, system, plan.result));
  if (failed) return std::move(*failed);
  GS_TRY(const KeyId id, parse_id(to_text(plan.result.get("key_id"))));
  GS_TRY(List after, trusted_keys(args, system, id.is_short()));
  const bool is_there = holds(after, id);
  outcome.result.set("after", Value(std::move(after)));
  if (is_there != adds) {
    return failed_outcome(std::string("apt-key did not return an error, but ") +
                              (adds ? "failed to add the key" : "the key was not removed") +
                              " (check that the id is correct and *not* a subkey)",
                          outcome.result);
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec apt_key_module;
const ModuleSpec apt_key_module{.name = "apt_key",
                                .summary = "Have apt trust a key, or no longer (deprecated).",
                                .args = kArgs,
                                .rules = kRules,
                                .examples = kExamples,
                                .results = kResults,
                                .plan = plan,
                                .apply = apply};

}  // namespace gpustack::modules

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/openpgp.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "key",
     .required = true,
     .doc = "Web address or path of an armored key; to remove one, its id is enough."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether rpm is to trust the key."},
    {.name = "fingerprint",
     .doc = "The whole fingerprint that a key to import must have; blanks do not count."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Refuse an https server whose certificate is not trusted."},
};

constexpr Example kExamples[] = {
    {.title = "CUDA's key",
     .yaml = "rpm_key:\n  key: "
             "https://developer.download.nvidia.com/compute/cuda/repos/rhel9/sbsa/D42D0685.pub"},
    {.title = "Trusted no more", .yaml = "rpm_key:\n  key: DEADB33F\n  state: absent"},
};
constexpr ResultKey kResults[] = {
    {"msg", "What went wrong."},
};

constexpr std::size_t kShort = 8;
constexpr std::size_t kLong = 16;

Error refused(std::string message) { return Error(ErrorCode::module_failed, std::move(message)); }

/// The key that the task names.
struct WantedKey {
  std::string id;           ///< upper-case hexadecimal digits
  std::string fingerprint;  ///< known when there is a file
  std::string file;         ///< path on the host
  std::string text;         ///< what came from the web
  [[nodiscard]] bool has_file() const { return !file.empty() || !text.empty(); }
};

/// @source ansible-core 2.14, modules/rpm_key.py: eight digits at the beginning make an id
bool is_id(std::string_view text) {
  if (lower(text.substr(0, 2)) == "0x") text.remove_prefix(2);
  return text.size() >= kShort && text.substr(0, kShort).find_first_not_of(
                                      "0123456789abcdefABCDEF") == std::string_view::npos;
}

std::string clean_id(const std::string& text) {
  std::string id = upper(trim(text));
  if (id.starts_with("0X")) id.erase(0, 2);
  return id.size() > kLong ? id.substr(id.size() - kLong) : id;
}

Result<void> read_key(WantedKey& wanted, std::string_view bytes) {
  const auto keys = parse_openpgp_keys(bytes);
  if (!keys || keys->empty()) {
    return refused("Unexpected gpg output").hint("expected OpenPGP public keys, armored or binary");
  }
  wanted.id = keys->front().id();
  wanted.fingerprint = keys->front().fingerprint;
  return {};
}

Result<WantedKey> wanted_key(const Args& args, const SystemView& view) {
  WantedKey out;
  const std::string key = args.text("key");
  if (key.find("://") != std::string::npos) {
    HttpQuery request;
    request.url = key;
    request.validate_certificates = args.boolean("validate_certs", true);
    GS_TRY(HttpResponse answer, view.http(request));
    if (answer.status != 200) {
      return refused("failed to fetch key at " + key + " , error was: HTTP Error " +
                     std::to_string(answer.status) + ": " + answer.reason);
    }
    if (!is_armored_key(answer.body)) return refused("Not a public key: " + key);
    out.text = std::move(answer.body);
    GS_TRY_VOID(read_key(out, out.text));
    return out;
  }
  if (is_id(key)) {
    out.id = clean_id(key);
    return out;
  }
  const auto info = view.stat(key);
  if (!info || !*info || (*info)->kind != FileKind::regular)
    return refused("Not a valid key " + key);
  out.file = key;
  GS_TRY(const std::string bytes, view.read(key));
  GS_TRY_VOID(read_key(out, bytes));
  return out;
}

Result<bool> is_imported(const SystemView& view, const std::string& rpm, const std::string& id) {
  GS_TRY(const CommandResult any, view.query(parsable_command({rpm, "-q", "gpg-pubkey"})));
  if (any.status != 0) return false;  // rpm trusts no key at all
  GS_TRY(const CommandResult done,
         view.query(parsable_command({rpm, "-q", "gpg-pubkey", "--qf", "%{description}\n"})));
  if (done.status != 0) return refused(std::string(trim(done.errors)));
  GS_TRY(const auto keys, parse_openpgp_keys(done.output));
  return std::ranges::any_of(
      keys, [&](const OpenPgpKey& key) { return key.id().find(id) != std::string::npos; });
}

Result<void> check_import(const Args& args, const WantedKey& wanted) {
  if (!wanted.has_file()) return refused("When importing a key, a valid file must be given");
  if (!args.has("fingerprint")) return {};
  const std::string expected = upper(replace_all(args.text("fingerprint"), " ", ""));
  if (expected == wanted.fingerprint) return {};
  return refused("The specified fingerprint, '" + expected +
                 "', does not match the key fingerprint '" + wanted.fingerprint + "'");
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string rpm = view.find_program("rpm");
  if (rpm.empty()) {
    return refused("Failed to find required executable \"rpm\" in paths: " +
                   view.environment("PATH"));
  }
  GS_TRY(const WantedKey wanted, wanted_key(args, view));
  GS_TRY(const bool is_there, is_imported(view, rpm, wanted.id));
  const bool adds = args.text("state") == "present";
  if (is_there == adds) return Plan::none();
  Plan plan = Plan::change();
  if (!adds) {
    const std::string id = lower(wanted.id.substr(wanted.id.size() - kShort));
    Command command = parsable_command({rpm, "--erase", "--allmatches", "gpg-pubkey-" + id});
    command.must_finish = true;
    plan.step(RunCommand{.command = std::move(command), .what = ""});
    return plan;
  }
  GS_TRY_VOID(check_import(args, wanted));
  plan.state = Value::map({{"rpm", rpm}, {"file", wanted.file}, {"text", wanted.text}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  std::string file = to_text(plan.state.get("file"));
  const bool is_temporary = file.empty();
  if (is_temporary) {
    GS_TRY(file, system.make_temporary("", "rpm_key.", "", FileKind::regular));
    const auto written =
        system.write(file, Content::of(to_text(plan.state.get("text"))), WriteOptions{});
    if (!written) return written.error();
  }
  Plan import = Plan::change();
  Command command = parsable_command({to_text(plan.state.get("rpm")), "--import", file});
  command.must_finish = true;
  import.step(RunCommand{.command = std::move(command), .what = ""});
  auto outcome = apply_steps(import, system);
  // A file that stays in the folder for temporary files must not fail a task that is done.
  if (is_temporary) (void)system.remove_file(file);
  return outcome;
}

}  // namespace

extern const ModuleSpec rpm_key_module;
const ModuleSpec rpm_key_module{.name = "rpm_key",
                                .summary = "Have rpm trust a key, or no longer.",
                                .args = kArgs,
                                .examples = kExamples,
                                .results = kResults,
                                .queries = "rpm -q",
                                .plan = plan,
                                .apply = apply};

}  // namespace gpustack::modules

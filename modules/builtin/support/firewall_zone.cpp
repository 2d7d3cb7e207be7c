#include "modules/builtin/support/firewall_zone.hpp"

#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr const char* kRunning = "firewall-cmd";
constexpr const char* kOffline = "firewall-offline-cmd";
constexpr int kNo = 1;  ///< exit status of a query whose answer is no

Error fault(const CommandResult& done) {
  return Error(ErrorCode::module_failed,
               "ERROR: " + std::string(trim(done.errors.empty() ? done.output : done.errors)));
}

}  // namespace

Result<FirewallZones> FirewallZones::open(const Args& args,
                                          const SystemView& view,
                                          bool immediate) {
  FirewallZones out(view);
  GS_TRY_VOID(required_program(view, kRunning));
  GS_TRY(const CommandResult state, view.query(parsable_command({kRunning, "--state"})));
  out.offline_ = state.status != 0;
  if (out.offline_ && immediate) {
    return Error(ErrorCode::module_failed,
                 "firewall is not currently running, unable to perform immediate actions without a "
                 "running firewall daemon");
  }
  if (out.offline_ && args.has("offline") && !args.boolean("offline")) {
    return Error(ErrorCode::module_failed,
                 "firewalld service must be running, or try with offline=true");
  }
  if (out.offline_) GS_TRY_VOID(required_program(view, kOffline));
  out.zone_ = args.text("zone");
  if (!out.zone_.empty()) return out;
  GS_TRY(const CommandResult shown,
         view.query(parsable_command({out.offline_ ? kOffline : kRunning, "--get-default-zone"})));
  if (shown.status != 0) return fault(shown);
  out.zone_ = trim(shown.output);
  return out;
}

Command FirewallZones::command(std::vector<std::string> words, bool permanent) const {
  words.insert(words.begin(), offline_ ? kOffline : kRunning);
  words.push_back("--zone=" + zone_);
  if (permanent && !offline_) words.emplace_back("--permanent");
  return parsable_command(std::move(words));
}

Command FirewallZones::bare_command(std::vector<std::string> words) const {
  words.insert(words.begin(), offline_ ? kOffline : kRunning);
  if (!offline_) words.emplace_back("--permanent");
  return parsable_command(std::move(words));
}

Result<bool> FirewallZones::query(const std::string& option,
                                  const std::string& value,
                                  bool permanent) const {
  std::vector<std::string> words{"--query-" + option};
  if (!value.empty()) words.push_back(value);
  GS_TRY(const CommandResult shown, view_->query(command(std::move(words), permanent)));
  if (shown.status == 0) return true;
  // Faults have other numbers; only a plain answer has this one.
  if (shown.status == kNo) return false;
  return fault(shown);
}

Result<std::string> FirewallZones::answer(std::vector<std::string> words, bool permanent) const {
  GS_TRY(const CommandResult shown, view_->query(command(std::move(words), permanent)));
  if (shown.status != 0) return fault(shown);
  return shown.output;
}

Result<std::string> FirewallZones::known_zones() const {
  GS_TRY(const CommandResult shown, view_->query(bare_command({"--get-zones"})));
  if (shown.status != 0) return fault(shown);
  return shown.output;
}

}  // namespace gpustack::modules

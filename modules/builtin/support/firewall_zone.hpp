#pragma once
/// @file One zone of firewalld, through firewall-cmd, or firewall-offline-cmd while the daemon does
/// not run.

#include "modules/sdk/arguments.hpp"
#include "modules/sdk/system.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The commands below that only read.
inline constexpr std::string_view kFirewallQueries =
    "firewall-cmd --state, firewall-cmd --get-default-zone, firewall-cmd --get-zones, firewall-cmd "
    "--get-target, firewall-cmd --query-icmp-block, firewall-cmd --query-icmp-block-inversion, "
    "firewall-cmd --query-service, firewall-cmd --query-protocol, firewall-cmd --query-source, "
    "firewall-cmd --query-port, firewall-cmd --query-forward-port, firewall-cmd --query-rich-rule, "
    "firewall-cmd --query-interface, firewall-cmd --query-masquerade, firewall-offline-cmd "
    "--get-default-zone, firewall-offline-cmd --get-zones, firewall-offline-cmd --get-target, "
    "firewall-offline-cmd --query-icmp-block, firewall-offline-cmd --query-icmp-block-inversion, "
    "firewall-offline-cmd --query-service, firewall-offline-cmd --query-protocol, "
    "firewall-offline-cmd --query-source, firewall-offline-cmd --query-port, firewall-offline-cmd "
    "--query-forward-port, firewall-offline-cmd --query-rich-rule, firewall-offline-cmd "
    "--query-interface, firewall-offline-cmd --query-masquerade";

class FirewallZones {
 public:
  /// Finds the daemon and the zone that `zone` names, or the default one.
  /// @error module_failed  no firewalld, or it does not run and `immediate` needs it
  static Result<FirewallZones> open(const Args& args, const SystemView& view, bool immediate);

  [[nodiscard]] const std::string& zone() const { return zone_; }
  [[nodiscard]] bool is_offline() const { return offline_; }

  /// Whether the zone has it. @param value  may be empty
  [[nodiscard]] Result<bool> query(const std::string& option,
                                   const std::string& value,
                                   bool permanent) const;
  /// What a reading command prints. @error module_failed
  [[nodiscard]] Result<std::string> answer(std::vector<std::string> words, bool permanent) const;
  /// Names of all zones that are kept.
  [[nodiscard]] Result<std::string> known_zones() const;
  /// A command on the zone.
  [[nodiscard]] Command command(std::vector<std::string> words, bool permanent) const;
  /// A command on what is kept, for no zone.
  [[nodiscard]] Command bare_command(std::vector<std::string> words) const;

 private:
  explicit FirewallZones(const SystemView& view) : view_(&view) {}

  const SystemView* view_;
  std::string zone_;
  bool offline_ = false;
};

}  // namespace gpustack::modules

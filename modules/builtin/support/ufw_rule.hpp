#pragma once
/// @file Rules of ufw: their words, and whether one changes anything.

#include "modules/sdk/arguments.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The words that add or delete the rule, in ufw's long form.
/// @param numbered  what `ufw status numbered` says; only needed to insert relative to others
/// @source ufw(8); community.general 7, modules/ufw.py: positions that are too large append
std::vector<std::string> ufw_rule(const Args& args, std::string_view numbered, bool with_comment);

/// Comments came with version 0.35. @param text  what `ufw --version` says
bool takes_comments(std::string_view text);

/// The lines of a rules file that name rules.
std::string rule_lines(std::string_view text);

/// Whether the rules that a dry run printed differ from those that are kept; ufw prints only the
/// rules of one IP version where an address names it.
bool changes_rules(const Args& args, std::string_view kept, std::string_view dry_run);

/// What `ufw status verbose` would say of logging and defaults if ufw were on.
/// @param defaults  text of /etc/default/ufw
/// @param config  text of /etc/ufw/ufw.conf
std::string status_of_settings(std::string_view defaults, std::string_view config);

/// Whether `state`, `default` or `logging` differ from what `ufw status verbose` says.
bool changes_status(std::string_view kind, const Args& args, std::string_view status);

}  // namespace gpustack::modules

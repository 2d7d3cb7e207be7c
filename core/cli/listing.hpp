#pragma once
/// @file `--list-hosts`, `--list-tasks`, `--list-tags`: what a site holds, in Ansible's layout.

#include "core/cli/session.hpp"
#include "core/play/model.hpp"

#include <string>
#include <vector>

namespace gpustack::cli {

struct ListWhat {
  bool hosts = false;
  bool tasks = false;
  bool tags = false;
};

/// @error host_pattern and what rendering a play's hosts reports
Result<std::string> list_site(const play::Site& site,
                              const Session& session,
                              const std::vector<std::string>& playbooks,
                              ListWhat what);

}  // namespace gpustack::cli

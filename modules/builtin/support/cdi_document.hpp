#pragma once
/// @file Descriptions of devices for containers (CDI), as data and as files.

#include "modules/builtin/support/platform/platform.hpp"
#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// `arm.com/gpu` for mali; empty for a vendor that has none.
std::string_view cdi_kind_of(std::string_view vendor);

struct CdiOptions {
  bool renames_nodes =
      false;                ///< the first GPU's node is renderD128 inside, whatever it is outside
  bool has_gids = true;     ///< engines before CDI 0.7.0 refuse additionalGids
  bool has_cards = false;   ///< display nodes, too
  std::int64_t shares = 0;  ///< names `0-s0` … beside `0`
};

/// The document for the GPUs of one vendor; no devices where none has a node.
Value cdi_document(std::string_view kind,
                   const std::vector<platform::Gpu>& gpus,
                   const CdiOptions& options,
                   const facts::Reader& host);

/// Adds names `NAME-s0` … with the edits of NAME, those of `all` aside.
void add_cdi_shares(Value& document, std::int64_t shares);

/// The lowest version that allows all that is in the document.
std::string cdi_version_of(const Value& document);

/// Files of these folders that define devices of the same kind, `own` aside.
std::vector<std::string> other_cdi_files(const SystemView& view,
                                         std::string_view kind,
                                         const std::string& own);

/// Paths of the host that the document names and that are not there.
std::vector<std::string> missing_cdi_paths(const SystemView& view, const Value& document);

}  // namespace gpustack::modules

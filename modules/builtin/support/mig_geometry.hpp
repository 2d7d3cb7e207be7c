#pragma once
/// @file Which MIG instances fit on a GPU together, and where.

#include "core/base/result.hpp"
#include "modules/builtin/support/platform/tables.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The parts of `[Cc.]Gg.MMgb[(+|-)attribute[,attribute]]`.
struct MigProfileName {
  int slices = 0;          ///< of the GPU: G
  int memory_gib = 0;      ///< MM
  std::string attributes;  ///< `+me`, `-me`, `+gfx`; empty without
};
/// @error invalid_argument  no such name
Result<MigProfileName> parse_mig_profile(std::string_view name);

/// A kind of instance that a board offers.
struct MigProfile {
  std::string name;         ///< `1g.10gb`
  int id = -1;              ///< the driver's number; -1 where no driver told it
  int length = 0;           ///< memory positions it takes
  std::vector<int> starts;  ///< positions it may begin at
  int most = 0;             ///< how many may be there at once
};

/// Instances of a board and where each may be.
class MigBoard {
 public:
  /// By the table of boards: `profiles` blank separated.
  static MigBoard of_table(platform::MigShape shape, std::string_view profiles);
  /// By what the driver says: `nvidia-smi mig -lgip` and `-lgipp`, of one GPU.
  /// @error module_failed  nothing in it
  static Result<MigBoard> of_driver(int gpu,
                                    std::string_view profiles,
                                    std::string_view placements);

  [[nodiscard]] const std::vector<MigProfile>& profiles() const { return profiles_; }
  [[nodiscard]] const MigProfile* find(std::string_view name) const;

  struct Instance {
    std::string profile;
    int start = 0;
    bool operator==(const Instance& other) const = default;
  };
  /// A place for each, largest first: the order to create them in.
  /// @error invalid_argument  ERR-MIG-PROFILE: the board has no such profile; ERR-MIG-PLACEMENT:
  ///        they do not fit together, with the largest part that does
  [[nodiscard]] Result<std::vector<Instance>> place(const std::vector<std::string>& wanted) const;
  /// Two 1g, one 2g and one 3g of a board with seven slices, two 1g and one 2g of one with four.
  [[nodiscard]] std::vector<std::string> balanced() const;

 private:
  std::vector<MigProfile> profiles_;
};

}  // namespace gpustack::modules

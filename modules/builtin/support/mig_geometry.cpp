#include "modules/builtin/support/mig_geometry.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace gpustack::modules {

namespace {

using platform::MigShape;

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

/// Which memory positions an instance may begin at, and how many it takes.
struct Placement {
  int slices;
  bool doubled;  ///< twice the memory of the small profile with as many slices
  int length;
  std::string_view starts;
  int most;
};
/// @source `nvidia-smi mig -lgipp` of A100 and H100; NVIDIA's MIG user guide
constexpr Placement kSeven[] = {{1, false, 1, "0123456", 7},
                                {1, true, 2, "0246", 4},
                                {2, false, 2, "024", 3},
                                {3, false, 4, "04", 2},
                                {4, false, 4, "0", 1},
                                {7, false, 8, "0", 1}};
constexpr Placement kFour[] = {
    {1, false, 1, "0123", 4}, {2, false, 2, "02", 2}, {4, false, 4, "0", 1}};

/// The small profile's memory for each number of slices tells which profiles have twice as much.
int least_memory(const std::vector<std::string>& names, int slices) {
  int least = 0;
  for (const std::string& name : names) {
    const auto parts = parse_mig_profile(name);
    if (!parts || parts->slices != slices) continue;
    if (least == 0 || parts->memory_gib < least) least = parts->memory_gib;
  }
  return least;
}

std::uint32_t mask_of(const MigProfile& profile, int start) {
  return ((1U << static_cast<unsigned>(profile.length)) - 1U) << static_cast<unsigned>(start);
}

/// Depth first over what is left; remembers the best that it saw.
class Search {
 public:
  Search(const std::vector<const MigProfile*>& wanted, bool may_skip)
      : wanted_(wanted), may_skip_(may_skip) {}

  bool run() { return step(0, 0); }
  /// With the first place that worked, or the largest part that did.
  [[nodiscard]] const std::vector<MigBoard::Instance>& best() const { return best_; }

 private:
  bool step(std::size_t next, std::uint32_t taken) {
    if (placed_.size() > best_.size()) best_ = placed_;
    if (next == wanted_.size()) return placed_.size() == wanted_.size();
    const MigProfile& profile = *wanted_[next];
    if (used_[profile.name] < profile.most) {
      for (const int start : profile.starts) {
        const std::uint32_t mask = mask_of(profile, start);
        if ((taken & mask) != 0) continue;
        placed_.push_back({profile.name, start});
        ++used_[profile.name];
        const bool good = step(next + 1, taken | mask);
        --used_[profile.name];
        placed_.pop_back();
        if (good) return true;
      }
    }
    return may_skip_ && step(next + 1, taken);
  }

  const std::vector<const MigProfile*>& wanted_;
  bool may_skip_;
  std::vector<MigBoard::Instance> placed_, best_;
  std::map<std::string, int> used_;
};

std::string names_of(const std::vector<MigBoard::Instance>& instances) {
  std::vector<std::string> names;
  for (const auto& instance : instances) names.push_back(instance.profile);
  return names.empty() ? "none of them" : join(names, ", ");
}

/// `{0,1,2}:1`: where a profile may begin, and its length.
void read_placements(std::string_view text, MigProfile& profile) {
  const auto open = text.find('{');
  const auto close = text.find('}');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return;
  for (const std::string& start : split(text.substr(open + 1, close - open - 1), ',')) {
    if (const auto number = parse_integer(trim(start)))
      profile.starts.push_back(static_cast<int>(*number));
  }
  const auto colon = text.find(':', close);
  const auto length =
      colon == std::string_view::npos ? std::nullopt : parse_integer(trim(text.substr(colon + 1)));
  profile.length = static_cast<int>(length.value_or(0));
}

/// Words of a table's row, its bars left out.
std::vector<std::string> cells(const std::string& line) {
  return split_words(replace_all(line, "|", " "));
}

}  // namespace

Result<MigProfileName> parse_mig_profile(std::string_view name) {
  const Error fault = bad("ERR-MIG-PROFILE: '" + std::string(name) +
                          "' is no MIG profile, expected one as 1g.10gb or 1g.10gb+me");
  std::string_view text = name;
  const auto mark = text.find_first_of("+-");
  MigProfileName out;
  if (mark != std::string_view::npos) {
    out.attributes = text.substr(mark);
    text = text.substr(0, mark);
    for (const std::string& one : split(out.attributes.substr(1), ',')) {
      if (one != "me" && one != "me.all" && one != "gfx") return fault;
    }
  }
  auto parts = split(text, '.');
  if (parts.size() == 3 && parts[0].ends_with('c') &&
      parse_integer(parts[0].substr(0, parts[0].size() - 1)))
    parts.erase(parts.begin());
  if (parts.size() != 2 || !parts[0].ends_with('g') || !parts[1].ends_with("gb")) return fault;
  const auto slices = parse_integer(parts[0].substr(0, parts[0].size() - 1));
  const auto memory = parse_integer(parts[1].substr(0, parts[1].size() - 2));
  if (!slices || !memory || *slices < 1 || *memory < 0) return fault;
  out.slices = static_cast<int>(*slices);
  out.memory_gib = static_cast<int>(*memory);
  return out;
}

MigBoard MigBoard::of_table(MigShape shape, std::string_view profiles) {
  MigBoard out;
  const auto names = split_words(profiles);
  const std::span<const Placement> table = shape == MigShape::seven_slices
                                               ? std::span<const Placement>(kSeven)
                                               : std::span<const Placement>(kFour);
  for (const std::string& name : names) {
    const auto parts = parse_mig_profile(name);
    if (!parts) continue;
    const int least = least_memory(names, parts->slices);
    const bool doubled = shape == MigShape::seven_slices && 2 * parts->memory_gib > 3 * least;
    const auto found = std::ranges::find_if(table, [&](const Placement& one) {
      return one.slices == parts->slices && one.doubled == doubled;
    });
    if (found == table.end()) continue;
    MigProfile profile{.name = name, .length = found->length, .most = found->most};
    for (const char start : found->starts) profile.starts.push_back(start - '0');
    // One instance alone has the engines for media; the others of its kind go without.
    if (parts->attributes.starts_with("+me")) profile.most = 1;
    out.profiles_.push_back(std::move(profile));
  }
  return out;
}

Result<MigBoard> MigBoard::of_driver(int gpu,
                                     std::string_view profiles,
                                     std::string_view placements) {
  MigBoard out;
  const std::string number = std::to_string(gpu);
  for (const std::string& line : split_lines(profiles)) {
    // | 0  MIG 1g.10gb  19  7/7  9.75 …
    const auto words = cells(line);
    if (words.size() < 5 || words[0] != number || words[1] != "MIG") continue;
    const auto id = parse_integer(words[3]);
    const auto slash = words[4].find('/');
    const auto total =
        slash == std::string::npos ? std::nullopt : parse_integer(words[4].substr(slash + 1));
    if (!id || !total) continue;
    out.profiles_.push_back(
        {.name = words[2], .id = static_cast<int>(*id), .most = static_cast<int>(*total)});
  }
  for (const std::string& line : split_lines(placements)) {
    // GPU  0 Profile ID 19 Placements: {0,1,2,3,4,5,6}:1
    const auto words = split_words(line);
    if (words.size() < 6 || words[0] != "GPU" || words[1] != number || words[3] != "ID") continue;
    const auto id = parse_integer(words[4]);
    const auto found = std::ranges::find_if(
        out.profiles_, [&](const MigProfile& one) { return id && one.id == *id; });
    if (found != out.profiles_.end()) read_placements(line, *found);
  }
  std::erase_if(out.profiles_, [](const MigProfile& one) { return one.starts.empty(); });
  if (!out.profiles_.empty()) return out;
  return Error(ErrorCode::module_failed,
               "nvidia-smi tells no MIG profile of GPU " + number + " with its placements");
}

const MigProfile* MigBoard::find(std::string_view name) const {
  const auto found = std::ranges::find(profiles_, name, &MigProfile::name);
  return found == profiles_.end() ? nullptr : &*found;
}

Result<std::vector<MigBoard::Instance>> MigBoard::place(
    const std::vector<std::string>& wanted) const {
  std::vector<const MigProfile*> kinds;
  for (const std::string& name : wanted) {
    const MigProfile* profile = find(name);
    if (profile == nullptr) {
      GS_TRY_VOID(parse_mig_profile(name));
      std::vector<std::string> known;
      for (const MigProfile& one : profiles_) known.push_back(one.name);
      return bad("ERR-MIG-PROFILE: this GPU has no profile '" + name + "', it has " +
                 join(known, ", "));
    }
    kinds.push_back(profile);
  }
  // 7g, 4g, 3g, 2g, 1g with twice the memory, 1g: what has fewest places goes first.
  std::ranges::stable_sort(kinds, [](const MigProfile* left, const MigProfile* right) {
    return std::tuple(-left->length, left->starts.size()) <
           std::tuple(-right->length, right->starts.size());
  });
  Search whole(kinds, false);
  if (whole.run()) {
    // The search leaves the last complete placement as its best.
    return whole.best();
  }
  Search part(kinds, true);
  part.run();
  return bad("ERR-MIG-PLACEMENT: " + join(wanted, ", ") + " do not fit on one GPU together; " +
             names_of(part.best()) + " would");
}

std::vector<std::string> MigBoard::balanced() const {
  const auto smallest = [&](int slices) -> const MigProfile* {
    const MigProfile* out = nullptr;
    int least = 0;
    for (const MigProfile& profile : profiles_) {
      const auto parts = parse_mig_profile(profile.name);
      if (!parts || parts->slices != slices || !parts->attributes.empty()) continue;
      if (out == nullptr || parts->memory_gib < least) {
        out = &profile;
        least = parts->memory_gib;
      }
    }
    return out;
  };
  std::vector<std::string> out;
  const MigProfile* one = smallest(1);
  const MigProfile* two = smallest(2);
  const MigProfile* three = smallest(3);
  if (three != nullptr) out.push_back(three->name);
  if (two != nullptr) out.push_back(two->name);
  if (one != nullptr) out.insert(out.end(), 2, one->name);
  // Thor has profiles with attributes only: one of each is all there is.
  if (out.empty() && !profiles_.empty()) out.push_back(profiles_.front().name);
  return out;
}

}  // namespace gpustack::modules

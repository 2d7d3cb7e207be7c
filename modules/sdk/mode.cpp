#include "modules/sdk/mode.hpp"

#include "modules/sdk/text.hpp"

#include <string>

namespace gpustack::modules {

namespace {

constexpr std::uint32_t kAllBits = 07777;
constexpr std::string_view kUsers = "ugo";

Error bad_mode(const Value& mode, const std::string& why) {
  Error error(ErrorCode::invalid_argument,
              "mode " + to_repr(mode) + " is neither octal nor symbolic: " + why);
  if (mode.origin() != nullptr) error = std::move(error).at(mode.origin()->span);
  return std::move(error).hint("write it as \"0644\" or \"u=rw,g=r,o=r\"");
}

// How far a user's three bits stand from the lowest ones.
unsigned shift_of(char user) { return user == 'u' ? 6 : user == 'g' ? 3 : 0; }

struct Situation {
  std::uint32_t before;
  bool executable_applies;  // X
  std::uint32_t allowed;    // what the umask leaves, when it counts
};

std::uint32_t bits_of(char user, char permission, const Situation& now) {
  const unsigned shift = shift_of(user);
  switch (permission) {
    case 'r':
      return (4U << shift) & now.allowed;
    case 'w':
      return (2U << shift) & now.allowed;
    case 'x':
      return (1U << shift) & now.allowed;
    case 'X':
      return now.executable_applies ? 1U << shift : 0U;
    case 's':
      return user == 'u' ? 04000U : user == 'g' ? 02000U : 0U;
    case 't':
      return user == 'o' ? 01000U : 0U;
    default:  // a copy of another user's bits
      return ((now.before >> shift_of(permission)) & 7U) << shift;
  }
}

std::uint32_t own_bits(char user) {
  return (7U << shift_of(user)) | (user == 'u' ? 04000U : user == 'g' ? 02000U : 01000U);
}

// One clause such as `g+rX-w`.
Result<std::uint32_t> apply_clause(std::string_view clause,
                                   const Value& mode,
                                   std::uint32_t result,
                                   Situation now,
                                   std::uint32_t umask) {
  const std::size_t first = clause.find_first_of("+-=");
  if (first == std::string_view::npos)
    return bad_mode(mode, "'" + std::string(clause) + "' has no +, - or =");
  std::string_view users = clause.substr(0, first);
  now.allowed = users.empty() ? ~umask & kAllBits : kAllBits;
  if (users.empty() || users == "a") users = kUsers;
  if (users.find_first_not_of(kUsers) != std::string_view::npos) {
    return bad_mode(mode, "'" + std::string(users) + "' names someone other than u, g, o or a");
  }
  for (std::size_t at = first; at < clause.size();) {
    const char operation = clause[at];
    const std::size_t end = std::min(clause.find_first_of("+-=", at + 1), clause.size());
    const std::string_view permissions = clause.substr(at + 1, end - at - 1);
    if (permissions.find_first_not_of("rwxXstugo") != std::string_view::npos) {
      return bad_mode(
          mode,
          "'" + std::string(permissions) + "' holds a letter other than r, w, x, X, s, t, u, g, o");
    }
    for (const char user : users) {
      std::uint32_t bits = 0;
      for (const char permission : permissions) bits |= bits_of(user, permission, now);
      if (operation == '=') {
        result = (result & ~own_bits(user)) | bits;
      } else if (operation == '+') {
        result |= bits;
      } else {
        result &= ~bits;
      }
    }
    at = end;
  }
  return result;
}

}  // namespace

Result<std::uint32_t> resolve_mode(const Value& mode,
                                   std::uint32_t current,
                                   bool is_directory,
                                   std::uint32_t umask) {
  if (mode.is_integer()) {
    const std::int64_t number = mode.as_integer();
    if (number < 0 || number > static_cast<std::int64_t>(kAllBits))
      return bad_mode(mode, "the number is out of range");
    return static_cast<std::uint32_t>(number);
  }
  if (!mode.is_string())
    return bad_mode(mode, "expected a number or a text, found a " + std::string(type_name(mode)));
  const std::string& text = mode.as_string();
  if (const auto octal = parse_octal(text)) {
    if (*octal > kAllBits) return bad_mode(mode, "it has more than permission bits");
    return *octal;
  }
  const Situation now{.before = current,
                      .executable_applies = is_directory || (current & 0111U) != 0,
                      .allowed = kAllBits};
  std::uint32_t result = current & kAllBits;
  for (const std::string& clause : split(trim(text), ',')) {
    GS_TRY(result, apply_clause(clause, mode, result, now, umask));
  }
  return result;
}

Result<void> check_mode_syntax(const Value& mode) {
  GS_TRY_VOID(resolve_mode(mode, 0644, false, 022));
  return {};
}

}  // namespace gpustack::modules

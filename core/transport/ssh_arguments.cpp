// What of ssh's command line means something here.
#include "core/transport/host_pattern.hpp"
#include "core/transport/ssh_options.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace gpustack::transport {

namespace {

Error unusable(std::string message) {
  return Error(ErrorCode::connection_settings, std::move(message));
}

class ArgumentReader {
 public:
  explicit ArgumentReader(Target& target) : options_(target) {}

  Result<void> read(std::string_view arguments) {
    GS_TRY(const std::vector<std::string> words, split_shell_words(arguments));
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word.size() < 2 || word[0] != '-') {
        return unusable(
            fmt::format("unexpected word '{}' in the ssh arguments: expected an option", word));
      }
      const char letter = word[1];
      if (std::string_view("46AaCfGgKkMNnqsTtVvXxYy").find(letter) != std::string_view::npos)
        continue;
      if (std::string_view("BbcDEeFIiJLlmOopQRSWw").find(letter) == std::string_view::npos) {
        return unusable(fmt::format("unknown ssh option '{}'", word));
      }
      std::string value = word.substr(2);
      if (value.empty()) {
        if (i + 1 == words.size())
          return unusable(fmt::format("the ssh option '{}' lacks its value", word));
        value = words[++i];
      }
      GS_TRY_VOID(apply_letter(letter, value));
    }
    return {};
  }

 private:
  Result<void> apply_letter(char letter, const std::string& value) {
    switch (letter) {
      case 'o':
        return apply_option(value);
      case 'i':
        return options_.set("identityfile", value);
      case 'p':
        return options_.set("port", value);
      case 'l':
        return options_.set("user", value);
      case 'S':
        return options_.set("controlpath", value);
      case 'J':
        return options_.set("proxyjump", value);
      case 'c':
        return options_.replace("ciphers", value);
      case 'm':
        return options_.replace("macs", value);
      case 'e':
      case 'E':
      case 'B':
        return {};
      default:
        return Error(ErrorCode::connection_settings,
                     fmt::format("the ssh option '-{} {}' is not supported", letter, value))
            .hint("understood are -o, -i, -p, -l, -J, -c and -m");
    }
  }

  Result<void> apply_option(const std::string& text) {
    GS_TRY(const WrittenOption option, split_option(text));
    return options_.set(lower_case(option.name), option.value, option.name);
  }

  SshOptionReader options_;
};

}  // namespace

Result<void> apply_ssh_arguments(Target& target, std::string_view arguments) {
  return ArgumentReader(target).read(arguments);
}

}  // namespace gpustack::transport

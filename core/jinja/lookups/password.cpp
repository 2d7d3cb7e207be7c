// password: a random one, kept in a file for the next time
#include "core/jinja/digest.hpp"
#include "core/jinja/key_value.hpp"
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/random.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

std::string characters_of(const std::string& name) {
  if (name == "ascii_lowercase") return std::string(kLower);
  if (name == "ascii_uppercase") return std::string(kUpper);
  if (name == "ascii_letters") return std::string(kLower).append(kUpper);
  if (name == "digits") return std::string(kDigits);
  if (name == "hexdigits") return std::string(kDigits) + "abcdefABCDEF";
  if (name == "octdigits") return "01234567";
  if (name == "punctuation") return std::string(kPunctuation);
  return name;
}

struct Wish {
  std::string path;
  std::int64_t length = 20;
  std::string alphabet;
  std::string encrypt;
  std::string ident;
  Value seed;
};

Result<void> refuse_unknown_options(LookupCall& call, const Map& options) {
  constexpr std::string_view kKnown[] = {"length", "encrypt", "chars", "ident", "seed"};
  for (const auto& [key, value] : options) {
    const std::string& name = key.as_string();
    if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown)) {
      return call.fail("has no option '" + name +
                       "': expected length, chars, encrypt, ident or seed");
    }
  }
  return {};
}

/// The sets of characters that `chars` names; a comma is written as two.
std::vector<std::string> character_sets(const Value* chars) {
  if (chars == nullptr || chars->is_null()) return {"ascii_letters", "digits", ".,:-_"};
  std::vector<std::string> out;
  if (chars->is_list()) {
    for (const Value& set : chars->as_list()) out.push_back(to_text(set));
    return out;
  }
  std::string text = to_text(*chars);
  if (text.find(",,") != std::string::npos) out.emplace_back(",");
  text = replace_all(text, ",,", ",");
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

Result<Wish> parse(LookupCall& call, const std::string& term) {
  const KeyValues inline_options = parse_key_values(term);
  Map options = call.options;
  for (const auto& [name, value] : inline_options.pairs) options.set(name, value);
  GS_TRY_VOID(refuse_unknown_options(call, options));
  Wish out;
  out.path = inline_options.rest;
  LookupCall wanted{call.render, call.name, {}, options};
  GS_TRY(const std::string length, wanted.option("length", "20"));
  const auto number = parse_integer(length);
  if (!number || *number < 1 || *number > 100'000)
    return call.fail("expected a length above zero, found '" + length + "'");
  out.length = *number;
  GS_TRY(out.encrypt, wanted.option("encrypt"));
  GS_TRY(out.ident, wanted.option("ident"));
  out.seed = Value(options).get("seed");
  for (const std::string& set : character_sets(options.find("chars")))
    out.alphabet += characters_of(set);
  std::erase_if(out.alphabet, [](char c) { return c == '"' || c == '\''; });
  if (out.alphabet.empty()) return call.fail("has no characters to choose from");
  return out;
}

struct Stored {
  std::string password, salt, ident;
};

Stored read_stored(const std::string& text) {
  Stored out;
  out.password = strip(text, {}, Side::right);
  const std::size_t salt_at = out.password.rfind(" salt=");
  if (salt_at == std::string::npos) return out;
  out.salt = out.password.substr(salt_at + 6);
  out.password.resize(salt_at);
  const std::size_t ident_at = out.salt.rfind(" ident=");
  if (ident_at != std::string::npos) {
    out.ident = out.salt.substr(ident_at + 7);
    out.salt.resize(ident_at);
  }
  return out;
}

std::string text_to_store(const Stored& stored) {
  std::string out = stored.password;
  if (!stored.salt.empty()) out += " salt=" + stored.salt;
  if (!stored.ident.empty()) out += " ident=" + stored.ident;
  return out + "\n";
}

/// The path as it is opened: like Ansible, relative to the playbook, whose folder is the last one
/// searched.
std::string full_path(LookupCall& call, const std::string& path) {
  if (path.starts_with("~/"))
    return call.services()->environment("HOME").value_or("") + path.substr(1);
  if (path.starts_with('/') || path.starts_with('~')) return path;
  const auto folders = call.services()->search_path("");
  return folders.empty() ? path : folders.back() + "/" + path;
}

Result<std::string> new_password(const Wish& wish) {
  if (wish.seed.is_null()) return random_text(static_cast<std::size_t>(wish.length), wish.alphabet);
  PythonRandom random(wish.seed);
  std::string out;
  for (std::int64_t i = 0; i < wish.length; ++i)
    out += wish.alphabet[random.below(wish.alphabet.size())];
  return out;
}

/// Writes the password down. When another host's run was first, its password counts.
Result<void> store(LookupCall& call, const std::string& path, Stored& stored) {
  auto written = call.services()->write_file(path, text_to_store(stored));
  if (written) return {};
  auto content_now = call.services()->read_file(path);
  if (!content_now) return std::move(written).error();
  stored = read_stored(*content_now);
  return {};
}

/// The password of the wish's file, which is made when it is not there.
Result<Stored> stored_password(LookupCall& call, const Wish& wish) {
  constexpr std::string_view kSaltSet =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";
  const bool keeps = wish.path != "/dev/null";
  const std::string path = full_path(call, wish.path);
  Stored stored;
  std::error_code error;
  const bool known = keeps && std::filesystem::exists(path, error);
  if (known) {
    GS_TRY(const std::string content, call.services()->read_file(path));
    stored = read_stored(content);
  } else {
    GS_TRY(stored.password, new_password(wish));
  }
  bool changed = !known;
  if (!wish.encrypt.empty() && stored.salt.empty()) {
    GS_TRY(const std::size_t size, salt_size(wish.encrypt));
    GS_TRY(stored.salt, random_text(size, kSaltSet));
    changed = true;
  }
  if (!wish.ident.empty()) stored.ident = wish.ident;
  if (!keeps || !changed) return stored;
  if (known) std::filesystem::remove(path, error);
  GS_TRY_VOID(store(call, path, stored));
  return stored;
}

Result<List> password(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string text, text_of(term));
    GS_TRY(const Wish wish, parse(call, text));
    GS_TRY(const Stored stored, stored_password(call, wish));
    std::string result = stored.password;
    if (!wish.encrypt.empty()) {
      PasswordHash hash;
      hash.algorithm = wish.encrypt;
      hash.salt = stored.salt;
      hash.ident = stored.ident;
      GS_TRY(result, hash_password(stored.password, hash));
    }
    out.push_back(Value(std::move(result)).marked(Mark::secret));
  }
  return out;
}

constexpr LookupRow kRows[] = {{"password", password}};

}  // namespace

LookupTable password_lookups() { return kRows; }

}  // namespace gpustack::jinja

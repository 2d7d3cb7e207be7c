#pragma once
/// @file Small text tools that modules share; all of them work on bytes and know ASCII only.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

inline constexpr std::string_view kWhiteSpace = " \t\n\r\v\f";

std::string_view trim(std::string_view text, std::string_view what = kWhiteSpace);
std::string_view trim_left(std::string_view text, std::string_view what = kWhiteSpace);
std::string_view trim_right(std::string_view text, std::string_view what = kWhiteSpace);
std::string lower(std::string_view text);
std::string upper(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view between);
/// Every piece between two separators, empty ones included: "a,,b" has three.
std::vector<std::string> split(std::string_view text, char separator);
/// Pieces between runs of white space; no empty ones.
std::vector<std::string> split_words(std::string_view text);
/// Python's splitlines(): line ends are \n, \r\n and \r, a final one adds no empty line.
std::vector<std::string> split_lines(std::string_view text);
std::string replace_all(std::string_view text, std::string_view what, std::string_view with);
/// A decimal integer that fills the whole text (a sign allowed); nothing otherwise.
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_real(std::string_view text);
/// An octal number that fills the whole text; `0o` in front is allowed.
std::optional<std::uint32_t> parse_octal(std::string_view text);
/// "0644": as Ansible prints a mode.
std::string mode_text(std::uint32_t mode);
/// Quotes for sh(1), as Python's shlex.quote().
std::string shell_quote(std::string_view text);
/// Words as sh(1) would see them, as Python's shlex.split(); nothing when a quote is not closed.
std::optional<std::vector<std::string>> shell_split(std::string_view text);
/// Everything after the last `/`.
std::string_view base_name(std::string_view path);
/// Everything before the last `/`: "/" for "/x", "." for "x".
std::string parent_folder(std::string_view path);
/// One slash between the two.
std::string join_path(std::string_view folder, std::string_view name);

}  // namespace gpustack::modules

#pragma once
/// @file Splits a line into words as Python's shlex does, and knows where each word stood.

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::inventory {

struct Word {
  std::string text;        ///< without its quotes
  std::size_t offset = 0;  ///< bytes before it in the line
  std::size_t length = 0;  ///< bytes in the line, quotes included
};

struct Words {
  std::vector<Word> words;
  std::string problem;  ///< not empty when the line cannot be split
  std::size_t problem_at = 0;
};

/// POSIX quoting; a '#' outside quotes starts a comment, even within a word.
/// @source Python 3.11, shlex.split(line, comments=True)
Words split_words(std::string_view line);

}  // namespace gpustack::inventory

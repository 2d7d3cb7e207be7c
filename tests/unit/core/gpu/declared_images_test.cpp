#include "core/gpu/declared_images.hpp"

#include <gtest/gtest.h>

namespace gpustack::gpu {
namespace {

Result<std::vector<std::string>> images(const std::string& text) {
  return declared_images("compose.yml", text, [](const std::string& name) {
    if (name == "TAG") return std::optional<std::string>("2.1");
    return name == "EMPTY" ? std::optional<std::string>("") : std::nullopt;
  });
}

TEST(DeclaredImages, AreThoseOfServicesEachOnce) {
  const auto found = images(
      "services:\n  web: {image: nginx:1}\n  other: {image: nginx:1}\n  built: {build: .}\n"
      "  db: {image: postgres:16}\n");

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, (std::vector<std::string>{"nginx:1", "postgres:16"}));
}

TEST(DeclaredImages, TakeVariablesAsComposeDoes) {
  const auto found = images(
      "services:\n  a: {image: 'a:$TAG'}\n  b: {image: 'b:${TAG}'}\n"
      "  c: {image: 'c:${NONE:-3}'}\n  d: {image: 'd${EMPTY-x}:${EMPTY:-4}'}\n");

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, (std::vector<std::string>{"a:2.1", "b:2.1", "c:3", "d:4"}));
}

TEST(DeclaredImages, NameTheVariableThatIsMissingAndItsPlace) {
  const auto found = images("services:\n  a:\n    image: a:${WHICH}\n");

  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().message(), "service 'a': 'WHICH' in its image has no value");
  EXPECT_NE(found.error().one_line().find("compose.yml:3:12"), std::string::npos)
      << found.error().one_line();
}

TEST(DeclaredImages, AreRefusedOfAnythingElse) {
  for (const char* text :
       {"7\n", "[]\n", "services: 7\n", "a: b\n", "services:\n  a: {image: [x]}\n"})
    EXPECT_FALSE(images(text).has_value()) << text;
}

}  // namespace
}  // namespace gpustack::gpu

# While the version begins with 0, another minor version is another interface; afterwards another major one is.
set(PACKAGE_VERSION "@VERSION@")
string(REGEX MATCH "^(0[.][0-9]+|[1-9][0-9]*)" _debrief_series "${PACKAGE_VERSION}")

if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION AND
   "${PACKAGE_FIND_VERSION}." MATCHES "^${_debrief_series}[.]")
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(CMAKE_SIZEOF_VOID_P AND NOT CMAKE_SIZEOF_VOID_P EQUAL "@POINTER@")
  set(PACKAGE_VERSION_UNSUITABLE TRUE)
endif()

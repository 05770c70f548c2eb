// Icons from the resources, drawn in the palette's own colours, so that they fit light and dark.
#pragma once

#include <QIcon>

namespace orrery::inspector {

// `name` without folder and ending, such as "run". The file is an SVG that uses currentColor. An empty icon if there
// is none.
QIcon icon(const QString& name);

} // namespace orrery::inspector

// A label that never forces its surroundings to grow: what does not fit ends in an ellipsis, and the tooltip has it all.
#pragma once

#include <QWidget>

namespace orrery::inspector {

class ElidedLabel : public QWidget {
    Q_OBJECT
public:
    explicit ElidedLabel(QWidget* parent = nullptr);
    void set_text(const QString& text);
    const QString& text() const { return text_; }

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString text_;
};

} // namespace orrery::inspector

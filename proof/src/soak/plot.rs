//! The measures of each process over time, as a picture.

use super::samples::{Measure, Samples};
use crate::Failure;
use embedded_graphics::Pixel;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_7X13};
use embedded_graphics::pixelcolor::{Gray8, GrayColor};
use embedded_graphics::prelude::{DrawTarget, Drawable, Primitive};
use embedded_graphics::primitives::{Line, Polyline, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Text};
use std::convert::Infallible;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

const PANEL: Size = Size::new(480, 180);

/// Room in a panel for the text above, to the left and below.
const ABOVE: i32 = 20;
const LEFT: i32 = 64;
const BELOW: i32 = 20;
const RIGHT: i32 = 12;

const BLACK: Gray8 = Gray8::BLACK;
const LIGHT: Gray8 = Gray8::new(190);

/// Pixels in grey, row by row.
struct Picture {
    size: Size,
    pixels: Vec<u8>,
}

/// Writes a PNG with a row of panels for each measure and a column for each process.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write(file: &Path, all: &[Samples]) -> Result<(), Failure> {
    let columns = u32::try_from(all.len()).map_err(|error| error.to_string())?;
    let mut picture = Picture::new(PANEL.component_mul(Size::new(columns, 3)));
    let mut left = 0;
    for samples in all {
        let mut top = 0;
        for measure in Measure::ALL {
            let title = format!("{}: {}", samples.process, measure.as_str());
            let Ok(()) = picture.draw(Point::new(left, top), &title, &samples.points(measure));
            top += PANEL.height.cast_signed();
        }
        left += PANEL.width.cast_signed();
    }
    picture
        .save(file)
        .map_err(|error| format!("{}: {error}", file.display()))
}

impl Picture {
    fn new(size: Size) -> Self {
        let pixels = vec![Gray8::WHITE.luma(); size.width as usize * size.height as usize];
        Self { size, pixels }
    }

    /// One panel, with the values from 0 to a little more than the greatest.
    #[expect(clippy::cast_possible_truncation, reason = "places within a panel")]
    fn draw(&mut self, corner: Point, title: &str, points: &[(f64, f64)]) -> Result<(), Infallible> {
        let text = MonoTextStyle::new(&FONT_7X13, BLACK);
        let top_left = corner + Point::new(LEFT, ABOVE);
        let bottom_right = corner + PANEL - Point::new(RIGHT, BELOW);
        let span = bottom_right - top_left;
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(1.0_f64, f64::max);
        let last = most(&mut points.iter().map(|(seconds, _)| *seconds));
        let top = most(&mut points.iter().map(|(_, value)| *value)) * 1.1;
        let place = |seconds: f64, value: f64| {
            let right = (seconds / last * f64::from(span.x)) as i32;
            let up = (value / top * f64::from(span.y)) as i32;
            Point::new(top_left.x + right, bottom_right.y - up)
        };

        Text::new(title, corner + Point::new(LEFT, 14), text).draw(self)?;
        for tenths in [0_u8, 5, 10] {
            let value = top * f64::from(tenths) / 10.0;
            let height = place(0.0, value).y;
            Line::new(Point::new(top_left.x, height), Point::new(bottom_right.x, height))
                .into_styled(PrimitiveStyle::with_stroke(LIGHT, 1))
                .draw(self)?;
            let label = Point::new(top_left.x - 6, height + 4);
            Text::with_alignment(&format!("{value:.0}"), label, text, Alignment::Right).draw(self)?;
            let seconds = last * f64::from(tenths) / 10.0;
            let label = Point::new(place(seconds, 0.0).x, bottom_right.y + 14);
            let alignment = if tenths == 10 {
                Alignment::Right
            } else {
                Alignment::Center
            };
            Text::with_alignment(&format!("{seconds:.0} s"), label, text, alignment).draw(self)?;
        }
        let curve: Vec<_> = points
            .iter()
            .map(|(seconds, value)| place(*seconds, *value))
            .collect();
        Polyline::new(&curve)
            .into_styled(PrimitiveStyle::with_stroke(BLACK, 1))
            .draw(self)
    }

    fn save(&self, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let out = BufWriter::new(File::create(file)?);
        let mut encoder = png::Encoder::new(out, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        Ok(writer.finish()?)
    }
}

impl Dimensions for Picture {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.size)
    }
}

impl DrawTarget for Picture {
    type Color = Gray8;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Gray8>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(place, color) in pixels {
            let column = u32::try_from(place.x)
                .ok()
                .filter(|column| *column < self.size.width);
            let row = u32::try_from(place.y).ok().filter(|row| *row < self.size.height);
            if let (Some(column), Some(row)) = (column, row) {
                self.pixels[row as usize * self.size.width as usize + column as usize] = color.luma();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_of_the_right_size() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("soak.png");
        let mut samples = Samples::of("test", i32::try_from(std::process::id()).unwrap());
        for second in 0..10 {
            samples.take(f64::from(second)).unwrap();
        }
        write(&file, &[samples.clone(), samples]).unwrap();
        let decoder = png::Decoder::new(std::io::BufReader::new(File::open(file).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (2 * PANEL.width, 3 * PANEL.height));
        let dark = pixels.iter().filter(|pixel| **pixel == BLACK.luma()).count();
        assert!(dark > 3000, "{dark} pixels are black");
    }
}
